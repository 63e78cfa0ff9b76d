"""Files that people send in pieces, kept in the spool until an operation has used them.

A request's body is bounded (``console.server``), a backup is not: the browser sends it piece by piece, each with the
place where it belongs, so that a lost answer costs one piece. A file belongs to the person who began it.
"""

from __future__ import annotations

import re
import secrets
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from django.conf import settings

from console.models import Operation, User

PIECE: Final = 2 * 1024 * 1024  # bytes of one piece
LARGEST: Final = 64 * 1024**3  # bytes of one file
SPARE: Final = 1024**3  # bytes that stay free on the disk
MOST_OPEN: Final = 8  # files of one person
MOST_KEPT: Final = LARGEST  # bytes of all files of one person
OLD: Final = 3600.0  # seconds without a piece after which a file that no open operation names is left over
# The verbs that are given one, as the parameter ``upload``.
USERS: Final = ("volume.restore", "volume.file-upload", "container.file-upload", "image.load", "image.import")
TOO_MANY: Final = f"Your files that wait are more than {MOST_KEPT // 1024**3} GiB together"
_TOKEN: Final = re.compile(r"[0-9a-f]{32}")


class NotKept(ValueError):
    """A file or a piece that is not taken; the message is a sentence. ``at``: where the file ends, if it is there."""

    def __init__(self, sentence: str, at: int | None = None) -> None:
        super().__init__(sentence)
        self.at = at


def begin(user: User, size: int) -> str:
    """A new empty file for ``size`` bytes; its token. Raises ``NotKept``."""
    folder = _folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not 0 <= size <= LARGEST:
        raise NotKept(f"A file of at most {LARGEST // 1024**3} GiB.")
    sweep()
    mine = list(folder.glob(f"{user.pk}-*.up"))
    if len(mine) >= MOST_OPEN:
        raise NotKept(f"{MOST_OPEN} files of yours wait already: an hour after its last piece one is forgotten.")
    if _used(mine) + size > MOST_KEPT:
        raise NotKept(f"{TOO_MANY}: an hour after its last piece a file is forgotten.")
    if size + SPARE > shutil.disk_usage(folder).free:
        raise NotKept("The console's disk has no room for it.")
    token = secrets.token_hex(16)
    path = _path(user.pk, token)
    path.touch(mode=0o600, exist_ok=False)
    return token


def append(user: User, token: str, at: int, piece: bytes) -> int:
    """Write a piece at the end, which has to be ``at``; the new end. Raises ``NotKept``."""
    path = _path(user.pk, token)
    try:
        with path.open("r+b") as file:
            end = file.seek(0, 2)
            if end != at:
                raise NotKept("It does not begin where the file ends.", end)
            if end + len(piece) > LARGEST or len(piece) > PIECE:
                raise NotKept("It is too large.")
            if _used(path.parent.glob(f"{user.pk}-*.up")) + len(piece) > MOST_KEPT:
                raise NotKept(f"{TOO_MANY}.")
            if len(piece) + SPARE // 2 > shutil.disk_usage(path.parent).free:
                raise NotKept("The console's disk is full.")
            file.write(piece)
    except FileNotFoundError as error:
        raise NotKept("The file is no longer kept: send it anew.") from error
    return end + len(piece)


def whole(user: User, file: IO[bytes], size: int) -> str:
    """Keep a file that came in one request; its token. Raises ``NotKept``."""
    token = begin(user, size)
    with _path(user.pk, token).open("r+b") as kept:
        shutil.copyfileobj(file, kept)
    return token


def size_of(user_id: int, token: str) -> int:
    """How many bytes are kept; 0 for a file that is not."""
    with suppress(FileNotFoundError, ValueError):
        return _path(user_id, token).stat().st_size
    return 0


def opened(user_id: int, token: str) -> IO[bytes] | None:
    """The file, or None if it is no longer there."""
    with suppress(FileNotFoundError, ValueError):
        return _path(user_id, token).open("rb")
    return None


def forget(user_id: int, token: str) -> None:
    """It is not needed any more."""
    with suppress(ValueError):
        _path(user_id, token).unlink(missing_ok=True)


def sweep() -> int:
    """Remove what no open operation needs. Returns how many."""
    wanted = {
        str(params.get("upload", ""))
        for params in Operation.objects.filter(state__in=Operation.OPEN, verb__in=USERS).values_list(
            "params", flat=True
        )
    }
    gone = 0
    for path in _folder().glob("*.up"):
        with suppress(FileNotFoundError):
            if path.stem.partition("-")[2] not in wanted and time.time() - path.stat().st_mtime > OLD:
                path.unlink()
                gone += 1
    return gone


def _used(paths: Iterable[Path]) -> int:
    """Bytes of these files."""
    total = 0
    for path in paths:
        with suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


def _folder() -> Path:
    return Path(settings.DATA_DIR) / "spool" / "uploads"


def _path(user_id: int, token: str) -> Path:
    if not _TOKEN.fullmatch(token):
        raise NotKept("This is no file that was sent.")
    return _folder() / f"{user_id}-{token}.up"
