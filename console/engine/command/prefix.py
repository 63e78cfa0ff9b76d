"""What may stand before the options: a prompt, variables, sudo, docker with options of its own, the command's name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from console.engine.command.words import Note, Word

_PROMPT = re.compile(r"[$#>%❯➜]|\S+@\S+[$#%]|PS>|(?:PS )?[A-Z]:\\\S*>")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
_LATER = re.compile(
    r"(?:^|&&|;)[ \t]*(?P<begin>(?:(?:[$#>%❯➜]|\S{1,80}@\S{1,80}[$#%])[ \t]+)?(?:sudo[ \t]+)?"
    r"(?:docker|podman|nerdctl)[ \t]+(?:container[ \t]+)?(?:run|create)\s)",
    re.MULTILINE,
)
_SUDO_VALUE: Final = frozenset({"-u", "-g", "-h", "-p", "-C", "-D", "-R", "-T", "--user", "--group"})
_DOCKER_VALUE: Final = frozenset({"-H", "--host", "-c", "--context", "--config", "-l", "--log-level"}) | {
    "--tlscacert",
    "--tlscert",
    "--tlskey",
}


@dataclass(slots=True)
class Begin:
    """``at``: the index of the first word behind the command's name; ``found``: whether there was such a name."""

    at: int = 0
    start: bool = True
    found: bool = False
    changed: list[Note] = field(default_factory=list)
    unmapped: list[Note] = field(default_factory=list)


def after_docker(words: list[Word]) -> Begin:
    """Return where the options of ``docker run`` or ``docker create`` begin."""
    begin = Begin()
    _shell(words, begin)
    if begin.at >= len(words):
        begin.unmapped.append(Note(0, "", "There is no command here; it begins with docker run."))
        return begin
    program = words[begin.at]
    name = program.text.rpartition("/")[2].removesuffix(".exe")
    if name not in {"docker", "podman", "nerdctl"}:
        return _not_docker(words, begin)
    begin.at += 1
    if name != "docker":
        begin.changed.append(_note(program, f"{name} is read as docker."))
    _docker(words, begin)
    verb = [word.text for word in words[begin.at : begin.at + 2]]
    length = 2 if verb[:1] == ["container"] else 1
    if verb[length - 1 : length] not in (["run"], ["create"]):
        at = words[begin.at] if begin.at < len(words) else program
        begin.unmapped.append(_note(at, "Only docker run and docker create are read; the rest was not."))
        begin.at = len(words)
        return begin
    begin.start = verb[length - 1] == "run"
    begin.at += length
    begin.found = True
    return begin


def begins_later(text: str) -> int:
    """Where a ``docker run`` begins behind other commands: on a line of its own, or after ``&&`` or ``;``; 0 if not."""
    found = _LATER.search(text)
    return found.start("begin") if found else 0


def _shell(words: list[Word], begin: Begin) -> None:
    if words and _PROMPT.fullmatch(words[0].text):
        begin.changed.append(_note(words[0], "The shell's prompt: ignored."))
        begin.at += 1
    while begin.at < len(words):
        word = words[begin.at]
        if _ASSIGNMENT.fullmatch(word.text):
            begin.unmapped.append(_note(word, "A variable of the shell for this command: ignored."))
            begin.at += 1
        elif word.text in {"sudo", "doas"}:
            begin.changed.append(_note(word, f"{word.text}: ignored, the engine is asked directly."))
            begin.at += 1
            _skip_options(words, begin, _SUDO_VALUE, f"An option of {word.text}: ignored.")
        else:
            return


def _docker(words: list[Word], begin: Begin) -> None:
    _skip_options(words, begin, _DOCKER_VALUE, "Which engine is asked is chosen in the console: ignored.")


def _skip_options(words: list[Word], begin: Begin, with_value: frozenset[str], sentence: str) -> None:
    while begin.at < len(words) and words[begin.at].text.startswith("-"):
        word = words[begin.at]
        begin.unmapped.append(_note(word, sentence))
        begin.at += 2 if word.text in with_value else 1


def _not_docker(words: list[Word], begin: Begin) -> Begin:
    word = words[begin.at]
    begin.unmapped.append(_note(word, f"“{word.text[:80]}” is not docker; a command begins with docker run."))
    begin.at = len(words)
    return begin


def _note(word: Word, sentence: str) -> Note:
    return Note(word.start, word.text[:200], sentence)
