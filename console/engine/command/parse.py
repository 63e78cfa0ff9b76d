"""From a typed or pasted command to a ``RunSpec``, with word on every part of it: nothing is dropped silently."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from console.engine.command.check import contradictions
from console.engine.command.flags import FILE, LONG, SHORT, Flag
from console.engine.command.parts import seccomp_file
from console.engine.command.prefix import after_docker, begins_later
from console.engine.command.spec import NetworkAttachment, RunSpec, Volume
from console.engine.command.values import BadValue
from console.engine.command.words import MAX_LENGTH as MAX_LENGTH
from console.engine.command.words import Note, Word, split

MAX_WORDS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Understood:
    """One option that was read. ``value`` is as it was understood, in the form in which a command shows it."""

    position: int
    source: str
    option: str
    value: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """What became of a command. ``changed``: taken otherwise than typed; ``unmapped``: not taken, or to no effect here.

    ``variables``: what only the shell in which it is typed can fill in.
    """

    spec: RunSpec
    understood: tuple[Understood, ...] = ()
    changed: tuple[Note, ...] = ()
    unmapped: tuple[Note, ...] = ()
    variables: tuple[Note, ...] = ()


def parse(text: str) -> Parsed:
    """Read a ``docker run`` or ``docker create`` command. Never raises; what is wrong is in ``unmapped``."""
    if len(text) > MAX_LENGTH:
        note = Note(MAX_LENGTH, "", f"This is longer than {MAX_LENGTH:,} characters; nothing of it was read.")
        return Parsed(RunSpec(), unmapped=(note,))
    return _Parser(text).run()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        found = split(text)
        if not after_docker(found.words).found and (begin := begins_later(text)):
            before = text[:begin].strip()
            found = split(" " * begin + text[begin:])
            sentence = "What stands before the first docker run or docker create is not read."
            found.unmapped.insert(0, Note(text.index(before), before, sentence))
        self.words, self.changed, self.unmapped, self.variables = (
            found.words,
            found.changed,
            found.unmapped,
            found.variables,
        )
        if len(self.words) > MAX_WORDS:
            first = self.words[MAX_WORDS]
            self.unmapped.append(Note(first.start, first.text[:80], f"Only {MAX_WORDS:,} words are read."))
            del self.words[MAX_WORDS:]
        self.at = 0
        self.start = True
        self.understood: list[Understood] = []
        self.values: dict[str, Any] = {}
        self.first: dict[str, Any] = {}

    def run(self) -> Parsed:
        begin = after_docker(self.words)
        self.changed += begin.changed
        self.unmapped += begin.unmapped
        self.at, self.start = begin.at, begin.start
        if begin.found:
            self._options()
        self._image()
        spec = self._spec()
        self._judge(spec)
        return Parsed(
            spec,
            tuple(self.understood),
            *(
                tuple(sorted(notes, key=lambda n: n.position))
                for notes in (self.changed, self.unmapped, self.variables)
            ),
        )

    def _options(self) -> None:
        while self.at < len(self.words):
            word = self.words[self.at]
            if word.text == "--":
                self.at += 1
                return
            if not word.text.startswith("-") or word.text == "-":
                return
            self.at += 1
            if word.text.startswith("--"):
                self._long(word)
            else:
                self._shorts(word)

    def _long(self, word: Word) -> None:
        name, equals, value = word.text[2:].partition("=")
        flag = LONG.get(name)
        if flag is None or (flag.run_only and not self.start):
            self._unknown(word, f"--{name}", bool(equals), flag)
        elif equals:
            self._set(flag, word, value)
        elif flag.bool:
            self._set(flag, word, "true")
        else:
            self._next(flag, word)

    def _shorts(self, word: Word) -> None:
        rest = word.text[1:]
        while rest:
            letter, rest = rest[0], rest[1:]
            flag = SHORT.get(letter)
            if flag is None or (flag.run_only and not self.start):
                self._unknown(word, f"-{letter}", rest.startswith("="), flag)
                if rest.startswith("="):
                    return
                continue
            if rest.startswith("=") and len(rest) > 1:
                self._set(flag, word, rest[1:])
                return
            if flag.bool:
                self._set(flag, word, "true")
            elif rest:
                self._set(flag, word, rest)
                return
            else:
                self._next(flag, word)
                return

    def _next(self, flag: Flag, word: Word) -> None:
        if self.at < len(self.words):
            value = self.words[self.at]
            self.at += 1
            self._set(flag, Word(word.text, word.start, value.end), value.text)
        else:
            self._refuse(word, f"--{flag.name} needs a value, and nothing follows.")

    def _unknown(self, word: Word, name: str, has_value: bool, flag: Flag | None) -> None:
        sentence = f"{name} is not an option of this command."
        if flag is not None:
            sentence = f"{name} is an option of docker container run only."
        takes_next = (
            not has_value
            and flag is None
            and name.startswith("--")
            and self.at + 1 < len(self.words)
            and not self.words[self.at].text.startswith("-")
            and self.words[self.at + 1].text.startswith("-")
        )
        end = word.end
        if takes_next:  # an image is not followed by options as a rule
            end = self.words[self.at].end
            sentence += f" “{self.words[self.at].text}” was taken as its value."
            self.at += 1
        self._refuse(Word(word.text, word.start, end), sentence)

    def _set(self, flag: Flag, word: Word, given: str) -> None:
        source = self.text[word.start : word.end]
        try:
            value = flag.codec.read(given)
        except BadValue as error:
            self._refuse(word, f"--{flag.name} {given}: {error}")
            return
        shown = flag.codec.write(value)
        self.understood.append(Understood(word.start, source, f"--{flag.name}", shown))
        if flag.remark:
            self.unmapped.append(Note(word.start, source, f"--{flag.name}: {flag.remark}"))
        if flag.name == "security-opt" and seccomp_file(value):
            self.unmapped.append(Note(word.start, source, f"--{flag.name}: {FILE}"))
        if flag.field == "networks" and given.strip() != given.strip().lower() and value.name == value.name.lower():
            self.changed.append(Note(word.start, source, "The command makes all of this value lower case."))
        where = self.first if flag.first else self.values
        if flag.many:
            where[flag.field] = (*where.get(flag.field, ()), value)
        else:
            if flag.field in where and where[flag.field] != value:
                self.changed.append(Note(word.start, source, f"--{flag.name} was given before; the last one counts."))
            where[flag.field] = value
        if flag.codec.read is not str and shown != given and not flag.bool:
            self.changed.append(Note(word.start, source, f"“{given}” is the same as “{shown}”."))
        if isinstance(value, Volume) and value.source.startswith("."):
            sentence = (
                f"“{value.source}” depends on where the command is typed; give the whole path on the engine's host."
            )
            self.unmapped.append(Note(word.start, source, sentence))

    def _image(self) -> None:
        rest = self.words[self.at :]
        if rest:
            self.values["image"] = rest[0].text
            self.values["command"] = tuple(word.text for word in rest[1:])

    def _spec(self) -> RunSpec:
        networks: tuple[NetworkAttachment, ...] = self.values.pop("networks", ())
        if self.first:
            head, *others = networks or (NetworkAttachment(),)
            for name, value in list(self.first.items()):
                if (own := getattr(head, name)) and own != value:
                    sentence = (
                        f"{name.replace('_', ' ')} of {head.name} is given twice; docker refuses that. {own} is kept."
                    )
                    self.unmapped.append(Note(0, "", sentence))
                    del self.first[name]
            networks = (replace(head, **self.first), *others)
        return RunSpec(start=self.start, networks=networks, **self.values)

    def _judge(self, spec: RunSpec) -> None:
        end = len(self.text)
        self.unmapped += [Note(end, "", sentence) for sentence in contradictions(spec)]
        if spec.start and not spec.detach:
            sentence = "Without --detach the command would stay attached; the console starts it in the background."
            if spec.image:
                self.changed.append(Note(end, "", sentence))

    def _refuse(self, word: Word, sentence: str) -> None:
        self.unmapped.append(Note(word.start, self.text[word.start : word.end], sentence))
