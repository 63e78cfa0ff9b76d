"""Values of options as the CLI reads them, and as a command shows them: one ``Codec`` a form.

``read`` raises ``BadValue`` with a sentence that ends the line "--option VALUE: …". ``write(read(text))`` reads as the
same value.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

INT64: Final = 2**63 - 1
SECOND: Final = 1_000_000_000  # nanoseconds

_TRUE: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_SIZE = re.compile(rf"({_NUMBER.pattern}) ?(?:([kmgtp])(?:i?b)?|b)?", re.ASCII | re.IGNORECASE)
_FRACTION = re.compile(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20}|[0-9]{1,20}/[0-9]{1,20})", re.ASCII)
_DURATION = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+|[+-]?0", re.ASCII)
_SPAN = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_UNITS: Final = {"h": 3600 * SECOND, "m": 60 * SECOND, "s": SECOND, "ms": 10**6, "us": 10**3, "µs": 10**3} | {
    "μs": 10**3,
    "ns": 1,
}
_POWERS: Final = "kmgtp"
_MAC = re.compile(r"(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}", re.ASCII | re.IGNORECASE)


class BadValue(Exception):
    """A value that the CLI would refuse, with the reason as a sentence."""


@dataclass(frozen=True, slots=True)
class Codec:
    """How a value is read from text and written as text."""

    read: Callable[[str], Any]
    write: Callable[[Any], str]


def read_bool(text: str) -> bool:
    """Read what Go's ``ParseBool`` reads."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise BadValue("Only true or false can be given.")


def integer(low: int, high: int, what: str = "") -> Codec:
    """A whole number from ``low`` to ``high``."""

    def read(text: str) -> int:
        try:
            number = int(text, 10) if re.fullmatch(r"[+-]?[0-9]{1,20}", text, re.ASCII) else int(_base(text), 0)
        except ValueError:
            raise BadValue("This is not a whole number.") from None
        if not low <= number <= high:
            raise BadValue(what or f"Only {low} to {high} can be given.")
        return number

    return Codec(read, str)


def _base(text: str) -> str:
    """Return a number in another base (0x1f, 0o17, 0b1), which the CLI reads too."""
    return text if re.fullmatch(r"[+-]?0[xXoObB][0-9a-fA-F]{1,16}", text, re.ASCII) else ""


def read_size(text: str) -> int:
    """Read bytes as the CLI does: "512m", "1.5 GiB", "100"; multiples of 1024."""
    found = _SIZE.fullmatch(text)
    if found is None:
        raise BadValue("This is not a size like 512m or 1.5g (b, k, m, g, t or p).")
    number = float(found[1]) * (1024 ** (_POWERS.index(found[2].lower()) + 1) if found[2] else 1)
    if not 0 <= number < INT64:
        raise BadValue("A size is not negative and below 8 EiB.")
    return int(number)


def write_size(size: int) -> str:
    """Write bytes in the largest unit that is exact."""
    for power in range(5, 0, -1):
        if size and size % 1024**power == 0:
            return f"{size // 1024**power}{_POWERS[power - 1]}"
    return str(size)


def read_cpus(text: str) -> int:
    """Read CPUs ("1.5", "3/2") as billionths."""
    if not _FRACTION.fullmatch(text) or (text.rpartition("/")[2].strip("0") == "" and "/" in text):
        raise BadValue("This is not a number of CPUs like 1.5.")
    billionths = Fraction(text) * SECOND
    if billionths.denominator != 1:
        raise BadValue("This is too precise: nine digits after the point at most.")
    if abs(billionths) > INT64:
        raise BadValue("This is too large.")
    return int(billionths)


def write_cpus(billionths: int) -> str:
    """Write CPUs without needless digits."""
    whole, rest = divmod(abs(billionths), SECOND)
    return f"{'-' if billionths < 0 else ''}{whole}" + (f".{rest:09d}".rstrip("0") if rest else "")


def read_duration(text: str) -> int:
    """Read a duration ("1m30s", "500ms") as nanoseconds; not negative."""
    if len(text) > 100 or not _DURATION.fullmatch(text):
        raise BadValue("This is not a duration like 30s or 1m30s (ns, us, ms, s, m or h).")
    total = sum(Fraction(f"0{number}") * _UNITS[unit] for number, unit in _SPAN.findall(text.lstrip("+-")))
    if text.startswith("-") and total:
        raise BadValue("It cannot be negative.")
    if total > INT64:
        raise BadValue("This is too long.")
    return int(total)


def write_duration(nanoseconds: int) -> str:
    """Write a duration in hours, minutes and seconds, or in the smaller unit that is exact."""
    for unit in ("s", "ms", "us"):
        if nanoseconds % _UNITS[unit] == 0:
            count = nanoseconds // _UNITS[unit]
            if unit != "s" or count < 60:
                return f"{count}{unit}"
            hours, minutes, seconds = count // 3600, count // 60 % 60, count % 60
            return "".join(f"{n}{u}" for n, u in ((hours, "h"), (minutes, "m"), (seconds, "s")) if n)
    return f"{nanoseconds}ns"


def address(text: str, version: int | None = None) -> str:
    """Return an IP address as it is given."""
    given = text.strip()
    try:
        found = ipaddress.ip_address(given)
    except ValueError:
        raise BadValue("This is not an IP address.") from None
    if version and found.version != version:
        raise BadValue(f"This is not an IPv{version} address.")
    return given


def normal_address(text: str) -> str:
    """Return an IP address in its shortest form, as the CLI sends those of DNS servers."""
    return str(ipaddress.ip_address(address(text)))


def mac_address(text: str) -> str:
    """Return a MAC address as it is given."""
    if not _MAC.fullmatch(text.strip()):
        raise BadValue("This is not a MAC address like 02:42:ac:11:00:02.")
    return text.strip()


def one_of(*words: str) -> Codec:
    """One of some words."""

    def read(text: str) -> str:
        if text not in words:
            raise BadValue(f"Only {', '.join(word or 'nothing' for word in words)} can be given.")
        return text

    return Codec(read, str)


def or_container(*words: str) -> Codec:
    """One of some words, or ``container:NAME``."""

    def read(text: str) -> str:
        if text not in words and not (text.startswith("container:") and len(text) > len("container:")):
            raise BadValue(f"Only {', '.join([*filter(None, words), 'container:NAME'])} can be given.")
        return text

    return Codec(read, str)


def matching(pattern: str, sentence: str) -> Codec:
    """Text that matches a whole pattern."""
    compiled = re.compile(pattern, re.ASCII)

    def read(text: str) -> str:
        if not compiled.fullmatch(text):
            raise BadValue(sentence)
        return text

    return Codec(read, str)


def csv(text: str) -> list[str]:
    """Split one line of comma-separated values, quoted as RFC 4180 says."""
    fields: list[str] = []
    at = 0
    while True:
        if text.startswith('"', at):
            end, value = _closing(text, at + 1)
            at = end
        else:
            end = text.find(",", at)
            end = len(text) if end < 0 else end
            value = text[at:end]
            if '"' in value:
                raise BadValue('A " stands only around a whole field.')
            at = end
        fields.append(value)
        if at >= len(text):
            return fields
        if text[at] != ",":
            raise BadValue('After the closing " of a field a comma must follow.')
        at += 1


def _closing(text: str, start: int) -> tuple[int, str]:
    at = start
    while (end := text.find('"', at)) >= 0:
        if text[end + 1 : end + 2] != '"':
            return end + 1, text[start:end].replace('""', '"')
        at = end + 2
    raise BadValue('A field that begins with " has no closing one.')


def to_csv(fields: list[str]) -> str:
    """Join fields to one line of comma-separated values."""
    return ",".join(
        '"' + field.replace('"', '""') + '"' if any(mark in field for mark in ',"\r\n') else field for field in fields
    )


TEXT: Final = Codec(str, str)
BOOL: Final = Codec(read_bool, lambda value: "true" if value else "false")
INT: Final = integer(-INT64 - 1, INT64)
INT32: Final = integer(-(2**31), 2**31 - 1)
COUNT: Final = integer(0, INT64)
SIZE: Final = Codec(read_size, write_size)
SWAP: Final = Codec(lambda text: -1 if text == "-1" else read_size(text), lambda n: "-1" if n == -1 else write_size(n))
CPUS: Final = Codec(read_cpus, write_cpus)
DURATION: Final = Codec(read_duration, write_duration)
ADDRESS: Final = Codec(address, str)
IPV4: Final = Codec(lambda text: address(text, 4), str)
IPV6: Final = Codec(lambda text: address(text, 6), str)
DNS: Final = Codec(normal_address, str)
MAC: Final = Codec(mac_address, str)
