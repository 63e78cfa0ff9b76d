"""What a build is given: an uploaded archive, read without trusting it, kept in the spool until the build is over.

Nothing is ever unpacked to a path of an archive's choosing: entries are copied into one new tar of plain files and
folders. Links, devices, absolute paths and paths that climb are refused.
"""

from __future__ import annotations

import errno
import gzip
import io
import lzma
import re
import secrets
import shutil
import tarfile
import threading
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final

from django.conf import settings

from console.models import Operation
from console.operations.dockerignore import Ignore, TooMuch
from console.operations.uploads import SPARE

MOST_ENTRIES: Final = 50_000
MOST_BYTES: Final = 2 * 1024**3  # of all files, unpacked
HEAD: Final = 1024 * 1024  # bytes of one entry's head in a tar, with its extended names
MOST_DIRECTORY: Final = 8 * 1024 * 1024  # bytes of a zip's directory, which is read whole
AT_ONCE: Final = 2  # archives that are looked at in this process
WAIT: Final = 30.0  # seconds for a turn
LONGEST_PATH: Final = 512
BLOCK: Final = 256 * 1024
OLD: Final = 600.0  # seconds after which a file that no open operation names is left over
OVERHEAD: Final = 256 * 1024 * 1024  # bytes of headers and padding on top of the files
UNREADABLE: Final = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)
_TOKEN: Final = re.compile(r"[0-9a-f]{32}")
_TURNS: Final = threading.BoundedSemaphore(AT_ONCE)
TOO_LARGE: Final = f"It unpacks to more than {MOST_BYTES // 1024**3} GiB."
FULL: Final = "The console's disk has no room for it."
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
    if not _TURNS.acquire(timeout=WAIT):
        raise BadContext("Other archives are being looked at just now: try again in a minute.")
    try:
        return token, *_write(path, archive, dockerfile)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, BadContext) or not isinstance(error, UNREADABLE):
            raise
        raise BadContext(_why(error)) from error
    finally:
        _TURNS.release()


def _why(error: BaseException) -> str:
    if isinstance(error, TooMuch):
        return "Its .dockerignore has too many lines for so many files."
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return FULL
    return "It is no tar, tar.gz or zip archive that can be read."


def opened(token: str) -> IO[bytes] | None:
    """The kept context as a tar, or None if it is no longer there."""
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
    if entry.size + SPARE > shutil.disk_usage(_folder()).free:
        raise BadContext(FULL)
    made.addfile(entry, content)
    vars(made)["members"] = []  # else it remembers all of them


def _entries(archive: IO[bytes]) -> Iterator[Entry]:
    """The plain files and folders of an archive; anything else raises ``BadContext``."""
    count = total = 0
    for name, size, mode, content in _raw(archive):
        path = _safe(name)
        count, total = count + 1, total + size
        if count > MOST_ENTRIES:
            raise BadContext(f"It has more than {MOST_ENTRIES:,} entries.")
        if total > MOST_BYTES:
            raise BadContext(TOO_LARGE)
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
    yield from _of_tar(_Bounded(gzip.GzipFile(fileobj=archive) if packed else archive))


def _of_tar(bounded: _Bounded) -> Iterator[Entry]:
    found: Any
    stream: Any = bounded
    with tarfile.open(fileobj=stream, mode="r|", bufsize=BLOCK) as found:
        while (entry := found.next()) is not None:
            bounded.head = None
            found.members = []  # else it remembers all of them
            if not entry.isfile() and not entry.isdir():
                raise BadContext(f"“{_shown(entry.name)}” is a link or a device: only files and folders are taken.")
            content = found.extractfile(entry) if entry.isfile() else None
            yield entry.name, entry.size, 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644, content
            while content is not None and content.read(BLOCK):
                pass  # what nobody wanted
            bounded.head = HEAD + BLOCK


class _Bounded:
    """What an archive unpacks to, up to a limit; and up to ``head`` of it while ``tarfile`` reads a head, whole."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._left = MOST_BYTES + OVERHEAD
        self.head: int | None = HEAD + BLOCK

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes. Raises ``BadContext`` at a limit."""
        data: bytes = self._inner.read(min(size, BLOCK))
        self._left -= len(data)
        if self._left < 0:
            raise BadContext(TOO_LARGE)
        if self.head is not None:
            self.head -= len(data)
            if self.head < 0:
                raise BadContext("A name or an attribute in it is larger than any file system allows.")
        return data


class _Shallow(io.BufferedIOBase):
    """A zip's file of which nothing large is read at once: ``zipfile`` reads its directory whole."""

    def __init__(self, inner: IO[bytes]) -> None:
        super().__init__()
        self._inner = inner

    def read(self, size: int | None = -1, /) -> bytes:
        """At most ``MOST_DIRECTORY`` bytes. Raises ``BadContext`` for more."""
        data = self._inner.read(MOST_DIRECTORY + 1 if size is None or size < 0 else min(size, MOST_DIRECTORY + 1))
        if len(data) > MOST_DIRECTORY:
            raise BadContext(f"It has more than {MOST_ENTRIES:,} entries.")
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go there."""
        return self._inner.seek(offset, whence)

    def tell(self) -> int:
        """Where it is."""
        return self._inner.tell()

    def seekable(self) -> bool:
        """It is a file."""
        return True


def _of_zip(archive: IO[bytes]) -> Iterator[Entry]:
    archive.seek(0)
    with zipfile.ZipFile(_Shallow(archive)) as found:
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
