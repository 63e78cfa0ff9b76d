"""What a build is given: an uploaded archive, read without trusting it, kept in the spool until the build is over.

Nothing is ever unpacked to a path of an archive's choosing: entries are copied into one new tar of plain files and
folders. Links, devices, absolute paths and paths that climb are refused.
"""

from __future__ import annotations

import gzip
import io
import re
import secrets
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final

from django.conf import settings

from console.models import Operation

MOST_ENTRIES: Final = 5000
MOST_BYTES: Final = 128 * 1024 * 1024  # of all files, unpacked
LONGEST_PATH: Final = 512
BLOCK: Final = 256 * 1024
OLD: Final = 600.0  # seconds after which a file that no open operation names is left over
OVERHEAD: Final = 16 * 1024 * 1024  # bytes of headers and padding on top of the files
UNREADABLE: Final = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)
_TOKEN: Final = re.compile(r"[0-9a-f]{32}")
Entry = tuple[str, int, int, IO[bytes] | None]  # path, size, mode; no file: a folder


class BadContext(ValueError):
    """An archive that is not used; the message is a sentence for the person."""


def keep(archive: IO[bytes] | None, dockerfile: str) -> tuple[str, int, int]:
    """Write the context of a build to the spool: its token, how many files it has, how many ``.dockerignore`` left out.

    ``dockerfile``: what was typed; "" takes the archive's own. Raises ``BadContext``.
    """
    token = secrets.token_hex(16)
    path = _path(token)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        files, left_out = _write(path, archive, dockerfile)
    except BadContext:
        path.unlink(missing_ok=True)
        raise
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        EOFError,
        OSError,
        ValueError,
        NotImplementedError,
        RuntimeError,
    ) as e:
        path.unlink(missing_ok=True)
        raise BadContext("It is no tar, tar.gz or zip archive that can be read.") from e
    return token, files, left_out


def opened(token: str) -> IO[bytes] | None:
    """The kept context, or None if it is no longer there."""
    try:
        return _path(token).open("rb") if _TOKEN.fullmatch(token) else None
    except FileNotFoundError:
        return None


def forget(token: str) -> None:
    """The build is over."""
    if _TOKEN.fullmatch(token):
        _path(token).unlink(missing_ok=True)


def sweep() -> int:
    """Remove what no open operation needs: a crash between upload and end leaves it. Returns how many."""
    wanted = {
        str(params.get("context", ""))
        for params in Operation.objects.filter(state__in=Operation.OPEN, verb="image.build").values_list(
            "params", flat=True
        )
    }
    gone = 0
    for path in _folder().glob("*.tar"):
        with suppress(FileNotFoundError):
            if path.stem not in wanted and time.time() - path.stat().st_mtime > OLD:
                path.unlink()
                gone += 1
    return gone


def _folder() -> Path:
    return Path(settings.DATA_DIR) / "spool" / "build"


def _path(token: str) -> Path:
    return _folder() / f"{token}.tar"


def _write(path: Path, archive: IO[bytes] | None, dockerfile: str) -> tuple[int, int]:
    ignore = Ignore(_ignore_lines(archive)) if archive is not None else Ignore([])
    files = left_out = 0
    own = not dockerfile
    with path.open("xb") as target, tarfile.open(fileobj=target, mode="w") as made:
        path.chmod(0o600)
        if dockerfile:
            _add(made, "Dockerfile", len(dockerfile.encode()), 0o644, io.BytesIO(dockerfile.encode()))
        for name, size, mode, content in _entries(archive) if archive is not None else ():
            if name == "Dockerfile":
                if dockerfile or content is None:
                    continue
                own = False
            elif ignore.leaves_out(name):
                left_out += content is not None
                continue
            _add(made, name, size, mode, content)
            files += content is not None
    if own:
        raise BadContext("It has no Dockerfile: type one, or put one at the top of the archive.")
    return files, left_out


def _add(made: tarfile.TarFile, name: str, size: int, mode: int, content: IO[bytes] | None) -> None:
    entry = tarfile.TarInfo(name)
    entry.type = tarfile.REGTYPE if content is not None else tarfile.DIRTYPE
    entry.size, entry.mode = size if content is not None else 0, mode
    made.addfile(entry, content)


def _entries(archive: IO[bytes]) -> Iterator[Entry]:
    """The plain files and folders of an archive; anything else raises ``BadContext``."""
    count = total = 0
    for name, size, mode, content in _raw(archive):
        path = _safe(name)
        count, total = count + 1, total + size
        if count > MOST_ENTRIES:
            raise BadContext(f"It has more than {MOST_ENTRIES:,} entries.")
        if total > MOST_BYTES:
            raise BadContext(f"It unpacks to more than {MOST_BYTES // 1024 // 1024} MB.")
        if path:
            yield path, size, mode, content


def _raw(archive: IO[bytes]) -> Iterator[Entry]:
    archive.seek(0)
    if archive.read(4).startswith(b"PK"):
        yield from _of_zip(archive)
        return
    archive.seek(0)
    packed = archive.read(2) == b"\x1f\x8b"
    archive.seek(0)
    plain: Any = _Bounded(gzip.GzipFile(fileobj=archive) if packed else archive)
    with tarfile.open(fileobj=plain, mode="r|", bufsize=BLOCK) as found:
        for entry in found:
            if not entry.isfile() and not entry.isdir():
                raise BadContext(f"“{_shown(entry.name)}” is a link or a device: only files and folders are taken.")
            content = found.extractfile(entry) if entry.isfile() else None
            yield entry.name, entry.size, 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644, content


class _Bounded:
    """What an archive unpacks to, up to a limit: also its headers, which ``tarfile`` reads whole, cannot be a bomb."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._left = MOST_BYTES + OVERHEAD

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes. Raises ``BadContext`` at the limit."""
        data: bytes = self._inner.read(min(size, BLOCK))
        self._left -= len(data)
        if self._left < 0:
            raise BadContext(f"It unpacks to more than {MOST_BYTES // 1024 // 1024} MB.")
        return data


def _of_zip(archive: IO[bytes]) -> Iterator[Entry]:
    archive.seek(0)
    with zipfile.ZipFile(archive) as found:
        if len(found.infolist()) > MOST_ENTRIES:
            raise BadContext(f"It has more than {MOST_ENTRIES:,} entries.")
        for entry in found.infolist():
            mode = entry.external_attr >> 16
            if mode and (mode & 0o170000) not in (0, 0o100000, 0o040000):
                raise BadContext(f"“{_shown(entry.filename)}” is a link or a device: only files and folders are taken.")
            if entry.flag_bits & 1:
                raise BadContext("It is locked with a password.")
            if entry.is_dir():
                yield entry.filename, 0, 0o755, None
                continue
            with found.open(entry) as content:
                # zipfile reads no more than the size that it declares, and fails when there is less.
                yield entry.filename, entry.file_size, 0o755 if mode & 0o100 else 0o644, content


def _safe(name: str) -> str:
    """A path inside the context, normal; "" for its root. Raises ``BadContext``."""
    if "\0" in name or "\\" in name or len(name) > LONGEST_PATH or not name.isprintable():
        raise BadContext(f"“{_shown(name)}” is no path that can be used.")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise BadContext(f"“{_shown(name)}” leads out of the archive.")
    return "" if str(path) == "." else str(path)


def _shown(name: str) -> str:
    return "".join(letter if letter.isprintable() else "�" for letter in name[:80])


def _ignore_lines(archive: IO[bytes]) -> list[str]:
    for name, size, _, content in _entries(archive):
        if name == ".dockerignore" and content is not None:
            if size > BLOCK:
                raise BadContext("Its .dockerignore is too long.")
            return content.read(BLOCK).decode("utf-8", "replace").splitlines()
    return []


class Ignore:
    """The patterns of a ``.dockerignore``: the last that fits decides, “!” takes back, “**” is any depth."""

    def __init__(self, lines: list[str]) -> None:
        self.rules: list[tuple[bool, re.Pattern[str]]] = []
        for line in lines[:1000]:
            pattern = line.strip()
            if not pattern or pattern.startswith("#") or len(pattern) > LONGEST_PATH:
                continue
            back = pattern.startswith("!")
            normal = str(PurePosixPath(pattern.removeprefix("!").strip().lstrip("/") or "."))
            if normal != ".":
                self.rules.append((back, re.compile(_regex(normal))))

    def leaves_out(self, path: str) -> bool:
        """Whether ``path``, or a folder above it, is left out."""
        parts = path.split("/")
        above = ["/".join(parts[: n + 1]) for n in range(len(parts))]
        out = False
        for back, pattern in self.rules:
            if any(pattern.fullmatch(part) for part in above):
                out = not back
        return out


def _regex(pattern: str) -> str:
    found = ""
    position = 0
    while position < len(pattern):
        if pattern.startswith("**/", position):
            found, position = f"{found}(?:[^/]+/)*", position + 3
        elif pattern.startswith("**", position):
            found, position = f"{found}.*", position + 2
        else:
            letter = pattern[position]
            found += {"*": "[^/]*", "?": "[^/]"}.get(letter, re.escape(letter))
            position += 1
    return found
