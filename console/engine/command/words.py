"""From a pasted command to its words, as a POSIX shell splits them, without running or expanding anything."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

MAX_LENGTH: Final = 256 * 1024  # characters; a longer text is no command

_VARIABLE = re.compile(r"\$(?:\{[^}]{0,500}\}|\([^)]{0,500}\)|[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])")
_BACKTICKS = re.compile(r"`[^`\n]+`")
_COMMENT = re.compile(r"`[ \t]*#[^`\n]*`")  # a shell runs nothing for it; so notes stand in the middle of long commands
_PLACEHOLDER = re.compile(r"<[A-Za-z](?:[^<>\n`'\"$]{0,100}[^<>\s`'\"$])?>")  # <path to your files>
_PROMPT_CONTINUED = re.compile(r"[ \t]*>[ \t]+")  # the shell's own "> " in front of a copied second line
_CONTINUED = re.compile(r"\\[ \t]*\r?\n|(?<=[ \t])[`^]\r?\n")  # sh; PowerShell and cmd
_ROOT_PROMPT = re.compile(r"#[ \t]+(?:sudo[ \t]|(?:\S*/)?(?:docker|podman)[ \t])")  # else a comment
_OPERATORS = frozenset(";|&<>()")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "v": "\v", "0": "\0"}


@dataclass(frozen=True, slots=True)
class Note:
    """Something to say about a part of the text. ``position``: of its first character, from 0."""

    position: int
    source: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Word:
    """One word. ``text``: without its quotes; ``start`` and ``end``: where it stands."""

    text: str
    start: int
    end: int


@dataclass(slots=True)
class Words:
    """The words of the first command of a text, and what was met on the way."""

    words: list[Word] = field(default_factory=list)
    changed: list[Note] = field(default_factory=list)
    unmapped: list[Note] = field(default_factory=list)
    variables: list[Note] = field(default_factory=list)


def split(text: str) -> Words:
    """Return the words of ``text``, of its first command only. Never raises."""
    return _Splitter(text).run()


class _Splitter:
    def __init__(self, text: str) -> None:
        self.text, self.at, self.found = text, 0, Words()

    def run(self) -> Words:
        text, size = self.text, len(self.text)
        while self.at < size:
            char = text[self.at]
            continued = _CONTINUED.match(text, self.at)
            if continued:
                self._continue(continued)
            elif char in " \t\r":
                self.at += 1
            elif char == "\n":
                if self.found.words:
                    self._rest("A new line begins another command; only the first is read. End a line with \\ to go on")
                    break
                self.at += 1
            elif char == "#" and (self.found.words or not _ROOT_PROMPT.match(text, self.at)):
                self._comment()
            elif _COMMENT.match(text, self.at):
                self._plain()
            elif self._ends():
                self._rest(f"What follows “{char}” is for the shell, not for docker; it is left out")
                break
            else:
                self._word()
        return self.found

    def _continue(self, found: re.Match[str]) -> None:
        self.at = found.end()
        if found[0][0] != "\\":
            self._note(self.found.changed, found.start(), found[0][0], "Read as “goes on in the next line”.")
        elif len(found[0].rstrip("\r\n")) > 1:
            self._note(
                self.found.changed, found.start(), found[0], "Blanks after the \\ at the end of a line: ignored."
            )
        prompt = _PROMPT_CONTINUED.match(self.text, self.at)
        if prompt:
            self._note(self.found.changed, prompt.start(), prompt[0].strip(), "The shell's prompt: ignored.")
            self.at = prompt.end()

    def _comment(self) -> None:
        end = self.text.find("\n", self.at)
        end = len(self.text) if end < 0 else end
        self._note(self.found.changed, self.at, self.text[self.at : end], "A comment: ignored.")
        self.at = end

    def _rest(self, sentence: str) -> None:
        rest = self.text[self.at :].strip()
        if rest:
            self._note(self.found.unmapped, self.at, rest, f"{sentence}.")
        self.at = len(self.text)

    def _word(self) -> None:
        text, start, parts = self.text, self.at, list[str]()
        if text[start] == "~":
            sentence = "“~” is the home of whoever types this; here it is left as typed."
            self._note(self.found.variables, start, "~", sentence)
        while self.at < len(text):
            char = text[self.at]
            if char in " \t\r\n" or self._ends():
                break
            if _CONTINUED.match(text, self.at):  # joins what stands on both sides
                if char != "\\":
                    break
                self.at = text.index("\n", self.at) + 1
            elif char == "\\":
                parts.append(text[self.at + 1 : self.at + 2])
                self.at += 2
            elif char == "'":
                parts.append(self._quoted("'"))
            elif char == '"':
                parts.append(self._double())
            elif char == "$" and text[self.at + 1 : self.at + 2] == "'":
                parts.append(self._ansi())
            elif char == "<":
                parts.append(self._placeholder())
            else:
                parts.append(self._plain())
        self.at = min(self.at, len(text))
        self.found.words.append(Word("".join(parts), start, self.at))

    def _quoted(self, quote: str) -> str:
        start = self.at + 1
        end = self.text.find(quote, start)
        if end < 0:
            self._unclosed(self.at)
            end = len(self.text)
        self.at = end + 1
        return self.text[start:end]

    def _double(self) -> str:
        begin, text, parts = self.at, self.text, list[str]()
        self.at += 1
        while self.at < len(text):
            char, after = text[self.at], text[self.at + 1 : self.at + 2]
            if char == '"':
                self.at += 1
                return "".join(parts)
            if char == "\\" and after and after in '"\\$`\n':
                parts.append("" if after == "\n" else after)
                self.at += 2
            else:
                parts.append(self._plain())
        self._unclosed(begin)
        return "".join(parts)

    def _ansi(self) -> str:
        begin, text, parts = self.at, self.text, list[str]()
        self.at += 2
        while self.at < len(text):
            char = text[self.at]
            if char == "'":
                self.at += 1
                return "".join(parts)
            if char == "\\":
                after = text[self.at + 1 : self.at + 2]
                parts.append(_ESCAPES.get(after, after))
                self.at += 2
            else:
                parts.append(char)
                self.at += 1
        self._unclosed(begin)
        return "".join(parts)

    def _ends(self) -> bool:
        """Whether the command ends here for the shell: at an operator that does not begin a place to fill in."""
        return self.text[self.at] in _OPERATORS and not _PLACEHOLDER.match(self.text, self.at)

    def _placeholder(self) -> str:
        """Take a place to fill in as it is typed."""
        found = _PLACEHOLDER.match(self.text, self.at)
        assert found is not None
        sentence = "A place to fill in; here it is left as typed."
        self._note(self.found.variables, self.at, found[0], sentence)
        self.at = found.end()
        return found[0]

    def _plain(self) -> str:
        """Take one character, or one variable as it is typed; nothing of a comment in backticks."""
        comment = _COMMENT.match(self.text, self.at)
        if comment:
            self._note(self.found.changed, self.at, comment[0], "A comment: ignored.")
            self.at = comment.end()
            return ""
        char = self.text[self.at]
        pattern = _VARIABLE if char == "$" else _BACKTICKS if char == "`" else None
        found = pattern.match(self.text, self.at) if pattern else None
        if found is None:
            self.at += 1
            return char
        command = found[0][0] == "`" or found[0][1] == "("
        what = "What this command prints" if command else f"The value of {found[0]}"
        sentence = f"{what} is known to the shell only; here it is left as typed."
        self._note(self.found.variables, self.at, found[0], sentence)
        self.at = found.end()
        return found[0]

    def _unclosed(self, start: int) -> None:
        self._note(self.found.unmapped, start, self.text[start:], "This quote is not closed; it is read up to the end.")

    def _note(self, where: list[Note], start: int, source: str, sentence: str) -> None:
        where.append(Note(start, source, sentence))
