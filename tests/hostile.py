"""Hostile archives: names, links and members that somebody might put into a tar to reach what is not theirs.

``MEMBERS`` are single members as raw blocks, by a title. ``NAMES`` are file names that a file system takes, as bytes.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

END: Final = bytes(2 * tarfile.BLOCKSIZE)
CONTENT: Final = b"hostile\n"
OUT: Final = (
    "/etc/shadow", "//etc//shadow", "../x", "../../../../../../etc/shadow", "a/../../x", "./../x", "a/./../../x",
    "..",
    "/..", "a/..", "/../../x", "....//x", "..\\..\\x", "C:\\x", "\\\\host\\x", "~/.ssh/authorized_keys",
    "/proc/1/root/x",
    "/proc/self/cwd/x", "/proc/self/fd/0", "/dev/sda", "/dev/stdin", "/sys/kernel/x", "/var/run/docker.sock",
    "%2e%2e/x",
    "..%2fx", "..;/x", "..\x00/x", "..\n/x", " ../x", "../ x", "\u2024\u2024/x", "\uff0e\uff0e/x", "..\u2215x",
    "$HOME/x",
    "`id`", "$(id)", "; rm -rf /", "| id", "-rf", "--help", "*", "?", "{a,b}", "&&", "a//./b", ".", "./", "/", "",
)  # fmt: skip
MARKUP: Final = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"><svg onload=alert(1)>", "'onmouseover='alert(1)",
    "javascript:alert(1)", "{{ 7*7 }}", "{% debug %}", "<a hx-get=/>", "&lt;b&gt;", "<!--", "]]>", "</pre>",
    "<iframe src=x>",
)  # fmt: skip
LOOKS: Final = (
    "new\nline", "return\r", "tab\t", "\x1b[31mred", "\x1b]0;title\x07", "bell\x07", "back\x08\x08", "del\x7f",
    "\x01\x02\x03",
    "\u202egpj.exe", "\u2066iso\u2069", "\u200bzero", "\ufeffbom", "\u0430dmin", "e\u0301",
    "\U0001f468\u200d\U0001f469",
    "\u0000", "\u2028line", "\u0085next", " lead", "trail ", "...", "con", "aux.txt", "new\n\nline\n", "\x9b31m",
    "a" * 255,
    "\u00e4" * 127, "d/" * 60 + "x", "y" * 100, "z" * 101, "w" * 155 + "/v", "#", "?path=/etc", "a&b=c", "a;b",
    "a=b", "+", "%00",
)  # fmt: skip
RAW: Final = (
    b"\xff\xfe", b"\xc0\xae\xc0\xae/x", b"\xed\xa0\x80", b"bad\x80end", b"\xf8\x88\x80\x80\x80", b"\xc3",
    b"latin\xe9",
    b"\xe2\x80", b"\xf4\x90\x80\x80", b"sjis\x83\x5c",
)  # fmt: skip
KINDS: Final = {
    "block device": b"4", "character device": b"3", "pipe": b"6", "contiguous": b"7", "sparse": b"S", "volume": b"V",
    "multi": b"M", "dump folder": b"D", "unknown": b"Z", "nul": b"\0", "solaris": b"X",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Member:
    """``blocks``: headers, contents, padding."""

    title: str
    blocks: bytes


def _header(name: bytes, kind: bytes = b"0", size: int = 0, target: bytes = b"", **fields: bytes) -> bytes:
    block = bytearray(512)
    block[0:100] = name[:100].ljust(100, b"\0")
    block[100:108], block[108:116], block[116:124] = b"0000644\0", b"0000000\0", b"0000000\0"
    block[124:136] = f"{size:011o}\0".encode()
    block[136:148] = b"00000000000\0"
    block[156:157] = kind
    block[157:257] = target[:100].ljust(100, b"\0")
    block[257:265] = b"ustar\x0000"
    for place, value in fields.items():
        at = {"octal": 124, "mode": 100, "uid": 108, "mtime": 136, "major": 329, "prefix": 345}[place]
        block[at : at + len(value)] = value
    total = sum(block[:148]) + 8 * 32 + sum(block[156:])
    block[148:156] = f"{total:06o}\0 ".encode()
    return bytes(block)


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 512)


def _pax(records: Iterable[tuple[bytes, bytes]]) -> bytes:
    body = b""
    for key, value in records:
        rest = len(key) + len(value) + 3
        length = rest + len(str(rest))
        length = rest + len(str(length))
        body += str(length).encode() + b" " + key + b"=" + value + b"\n"
    return _raw_pax(body)


def _raw_pax(body: bytes, kind: bytes = b"x") -> bytes:
    return _header(b"pax", kind, len(body)) + _padded(body)


def _file(name: bytes, **more: bytes) -> bytes:
    return _header(name, b"0", len(CONTENT), **more) + _padded(CONTENT)


def _named(name: bytes, kind: bytes = b"0", target: bytes = b"") -> bytes:
    """One member whose name and target stand in an extended header, so that no length bounds them."""
    records = [(b"path", name)] + ([(b"linkpath", target)] if target else [])
    body = CONTENT if kind == b"0" else b""
    return _pax(records) + _header(b"n", kind, len(body)) + _padded(body)


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


NAMES: Final[tuple[bytes, ...]] = tuple(
    name
    for name in dict.fromkeys([*map(_bytes, (*OUT, *MARKUP, *LOOKS)), *RAW])
    if name not in (b"", b".", b"..") and b"/" not in name and b"\0" not in name and len(name) <= 255
)


def _members() -> Iterator[Member]:
    for name in (*OUT, *MARKUP, *LOOKS):
        yield Member(f"file {name!r}", _named(_bytes(name)))
        yield Member(f"short file {name!r}", _file(_bytes(name)))
    for raw in RAW:
        yield Member(f"file {raw!r}", _named(raw))
    for target in OUT[:26]:
        yield Member(f"link to {target!r}", _named(b"link", b"2", _bytes(target) or b"x"))
        yield Member(f"hard link to {target!r}", _named(b"hard", b"1", _bytes(target) or b"x"))
        yield Member(f"folder {target!r}", _named(_bytes(target), b"5"))
        through = _named(b"way", b"2", _bytes(target) or b"x") + _named(b"way/x")
        yield Member(f"file through a link to {target!r}", through)
    chain = b"".join(_named(f"l{n}".encode(), b"2", f"l{n + 1}".encode()) for n in range(40))
    yield Member("chain of links", chain + _named(b"l40", b"2", b"/") + _named(b"l0/etc/x"))
    yield Member("loop of links", _named(b"a", b"2", b"b") + _named(b"b", b"2", b"a") + _named(b"a/x"))
    yield Member("link over a link", _named(b"s", b"2", b"/etc") + _named(b"s", b"2", b"..") + _named(b"s/x"))
    yield Member("hard link to a link", _named(b"s", b"2", b"/etc/shadow") + _named(b"h", b"1", b"s") + _named(b"h"))
    yield Member("file, then folder", _named(b"t") + _named(b"t", b"5") + _named(b"t/x"))
    yield Member("the same twice", _named(b"twice") + _named(b"twice") + _named(b"./twice"))
    for title, kind in KINDS.items():
        yield Member(f"kind {title}", _header(b"kind", kind, 0, major=b"0000010\0"))
        yield Member(f"kind {title} with content", _header(b"kind2", kind, len(CONTENT)) + _padded(CONTENT))
    yield from _odd_headers()


def _odd_headers() -> Iterator[Member]:
    yield Member("huge size", _header(b"huge", size=0, octal=b"77777777777\0"))
    yield Member("huge binary size", _header(b"huge", size=0, octal=b"\x80" + b"\x7f" * 11))
    yield Member("negative size", _header(b"minus", size=0, octal=b"\xff" * 12))
    yield Member("size that is no number", _header(b"nan", size=0, octal=b"0x10\0\0\0\0\0\0\0\0"))
    yield Member("mode of all bits", _file(b"setuid", mode=b"7777777\0"))
    yield Member("negative owner", _file(b"owner", uid=b"\xff" * 8))
    yield Member("time before time", _file(b"past", mtime=b"\xff" * 12))
    yield Member("time after time", _file(b"future", mtime=b"\x80" + b"\x7f" * 11))
    yield Member("prefix that climbs", _file(b"x", prefix=b"../.."))
    yield Member("prefix that is absolute", _file(b"x", prefix=b"/etc"))
    for key, value in (
        (b"path", b"a\0b"), (b"path", b""), (b"path", b"/"), (b"linkpath", b"\0"), (b"size", b"-1"),
        (b"size", b"1e9"),
        (b"size", b"9" * 30), (b"size", b"99999999999"), (b"mtime", b"nan"), (b"mtime", b"inf"),
        (b"mtime", b"-1e308"),
        (b"mtime", b"x"), (b"uid", b"-1"), (b"uid", b"9" * 19), (b"gid", b"x"), (b"hdrcharset", b"BINARY"),
        (b"", b"x"),
        (b"GNU.sparse.major", b"1"), (b"GNU.sparse.map", b"0,1,2"), (b"GNU.sparse.name", b"../x"), (b"\xff", b"\xff"),
        (b"SCHILY.xattr.security.capability", b"\x01\0\0\x02" + b"\xff" * 16),
        (b"SCHILY.xattr.trusted.overlay.opaque", b"y"),
        (b"SCHILY.xattr.user." + b"k" * 300, b"v"), (b"comment", b"c" * 100_000),
    ):  # fmt: skip
        yield Member(f"record {key!r} {value[:20]!r}", _pax([(key, value)]) + _file(b"rec"))
    for body in (
        b"",
        b"0 a=b\n",
        b"5 a=b",
        b"99 a=b\n",
        b"-1 a=b\n",
        b"x\n",
        b"6 a=b\n" * 2 + b"7",
        b"99999999999 a=b\n",
    ):
        yield Member(f"records {body!r}", _raw_pax(body) + _file(b"odd"))
    yield Member("record of many megabytes", _header(b"pax", b"x", 2**31) + bytes(512))
    yield Member("global records", _raw_pax(b"14 path=../xx\n", b"g") + _file(b"g"))
    yield Member("long name of GNU", _header(b"@", b"L", 300) + _padded(b"../" * 100) + _file(b"x"))
    yield Member("long link of GNU", _header(b"@", b"K", 300) + _padded(b"../" * 100) + _header(b"x", b"2"))
    yield Member("long name that is huge", _header(b"@", b"L", 2**32) + bytes(512))
    yield Member("wrong checksum", _header(b"sum")[:148] + b"0000000\0" + _header(b"sum")[156:])
    yield Member("no header", b"\x01" * 512)
    yield Member("cut", _header(b"cut", b"0", 5000) + b"x")


MEMBERS: Final[tuple[Member, ...]] = tuple(_members())


def archive(*members: Member) -> bytes:
    """A whole tar of them."""
    return b"".join(member.blocks for member in members) + END
