"""Contexts of builds: plain files get through, tricks do not, and nothing of them stays."""

from __future__ import annotations

import gzip
import io
import os
import struct
import tarfile
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest

from console.models import Operation
from console.operations import contexts, dockerignore
from console.operations.contexts import BadContext
from console.operations.dockerignore import Ignore
from tests import factories


@pytest.fixture(autouse=True)
def spool(settings: object, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path  # type: ignore[attr-defined]
    return tmp_path / "spool" / "build"


def tar(*entries: tarfile.TarInfo | tuple[str, bytes]) -> io.BytesIO:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                archive.addfile(entry)
            else:
                info = tarfile.TarInfo(entry[0])
                info.size = len(entry[1])
                archive.addfile(info, io.BytesIO(entry[1]))
    made.seek(0)
    return made


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zipped(*entries: tuple[str, bytes], mode: int = 0) -> io.BytesIO:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content)
    made.seek(0)
    return made


def names(token: str) -> list[str]:
    kept = contexts.opened(token)
    assert kept is not None
    with kept, tarfile.open(fileobj=kept) as archive:
        return sorted(archive.getnames())


FILES = (("Dockerfile", b"FROM busybox\n"), ("app/main.py", b"print(1)"), ("app/x.log", b"x"))


@pytest.mark.parametrize("pack", ["tar", "tar.gz", "zip"])
def test_what_gets_through(pack: str, spool: Path) -> None:
    archive = zipped(*FILES) if pack == "zip" else tar(*FILES)
    if pack == "tar.gz":
        archive = io.BytesIO(gzip.compress(archive.getvalue()))
    token, files, left_out = contexts.keep(archive, "")
    assert (files, left_out) == (3, 0)
    assert names(token) == ["Dockerfile", "app/main.py", "app/x.log"]
    assert oct(os.stat(spool / f"{token}.tar").st_mode)[-3:] == "600"
    contexts.forget(token)
    assert contexts.opened(token) is None
    assert list(spool.iterdir()) == []


def test_a_typed_dockerfile_takes_the_place_of_the_archives() -> None:
    token, files, _ = contexts.keep(tar(*FILES), "FROM scratch\n")
    kept = contexts.opened(token)
    assert kept is not None
    with kept, tarfile.open(fileobj=kept) as archive:
        found = archive.extractfile("Dockerfile")
        assert found is not None
        assert found.read() == b"FROM scratch\n"
    assert files == 2
    assert names(contexts.keep(None, "FROM scratch\n")[0]) == ["Dockerfile"]


def test_dockerignore() -> None:
    token, files, left_out = contexts.keep(tar(*FILES, (".dockerignore", b"# no\n**/*.log\nDockerfile\n")), "")
    assert names(token) == [".dockerignore", "Dockerfile", "app/main.py"]
    assert (files, left_out) == (3, 1)


@pytest.mark.parametrize(
    ("lines", "path", "out"),
    [
        (["*.log"], "a.log", True),
        (["*.log"], "b/a.log", False),
        (["**/*.log"], "b/c/a.log", True),
        (["b"], "b/c/a.log", True),
        (["b/"], "b/c", True),
        (["/b"], "b", True),
        (["b", "!b/keep"], "b/keep", False),
        (["!b/keep", "b"], "b/keep", True),
        (["*", "!app"], "app/main.py", False),
        (["a?c"], "abc", True),
        (["a?c"], "a/c", False),
        (["# x", ""], "x", False),
        (["a+b"], "aab", False),
        (["**/b"], "b", True),
        (["**/b"], "ab", False),
        (["a/**/b"], "a/b", True),
        (["a/**/b"], "a/x/y/b/c", True),
        (["a/**"], "a/x/y", True),
        (["a**d"], "ab/cd", True),
        (["a*d"], "ab/cd", False),
        (["**/*.min.*"], "x/y/z.min.js", True),
        (["a/*/c"], "a/b/c/d", True),
        (["a/*/c"], "a//c", True),
        (["**/" * 170 + "x"], "a/" * 200 + "x", True),
        (["**/a/" * 100 + "x"], "a/" * 250 + "b", False),
        (["*a" * 250 + "b"], "a" * 500, False),
    ],
)
def test_patterns(lines: list[str], path: str, out: bool) -> None:
    assert Ignore(lines).leaves_out(path) is out


def test_a_dockerignore_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dockerignore, "MOST_COMPARED", 10)
    with pytest.raises(BadContext, match="too many lines"):
        contexts.keep(tar(("Dockerfile", b"FROM a"), ("x" * 60, b""), (".dockerignore", b"x*\n?*")), "")


def lying() -> io.BytesIO:
    """A header that says more than there is."""
    info = tarfile.TarInfo("big")
    info.size = 10 * 1024
    return io.BytesIO(info.tobuf() + b"x" * 512)


def damaged(method: int) -> io.BytesIO:
    """A zip whose one file does not unpack."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        archive.writestr("a", bytes(range(256)) * 40)
    content = bytearray(made.getvalue())
    content[31 + 9 * (method == zipfile.ZIP_LZMA) : 60] = b"\xff" * (29 - 9 * (method == zipfile.ZIP_LZMA))
    return io.BytesIO(bytes(content))


def pax_bomb() -> io.BytesIO:
    """A header of 40 MB of zeros, in some kB."""
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 40 * 1024 * 1024
    made = io.BytesIO()
    with gzip.GzipFile(fileobj=made, mode="wb", compresslevel=1) as packed:
        packed.write(info.tobuf())
        for _ in range(40):
            packed.write(bytes(1024 * 1024))
    made.seek(0)
    return made


def special_size(name: str, size: int) -> io.BytesIO:
    """A file that says it is so large."""
    info = tarfile.TarInfo(name)
    info.size = size
    return io.BytesIO(info.tobuf() + b"x" * 512)


def large_directory() -> io.BytesIO:
    """A zip whose directory, which is read whole, says that it is large, and is."""
    size = contexts.MOST_DIRECTORY + 1
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, size, 4, 0)
    return io.BytesIO(b"PK\3\4" + bytes(size) + end)


@pytest.mark.parametrize(
    ("archive", "sentence"),
    [
        (lambda: tar(("../evil", b"x")), "leads out"),
        (lambda: tar(("a/../../evil", b"x")), "leads out"),
        (lambda: tar(("/etc/passwd", b"x")), "leads out"),
        (lambda: zipped(("../evil", b"x")), "leads out"),
        (lambda: zipped(("/evil", b"x")), "leads out"),
        (lambda: zipped(("link", b"/etc/passwd"), mode=0o120777), "link or a device"),
        (lambda: tar(special("link", tarfile.SYMTYPE, "/etc/passwd")), "link or a device"),
        (lambda: tar(special("hard", tarfile.LNKTYPE, "/etc/passwd")), "link or a device"),
        (lambda: tar(special("null", tarfile.CHRTYPE)), "link or a device"),
        (lambda: tar(special("pipe", tarfile.FIFOTYPE)), "link or a device"),
        (lambda: tar(*((str(n), b"") for n in range(101))), "entries"),
        (lambda: zipped(("zeros", bytes(1024 * 1024 + 1))), "unpacks to more"),
        (pax_bomb, "larger than any file system"),
        (lambda: special_size("hole", 2**40), "unpacks to more"),
        (large_directory, "entries"),
        (lying, "no tar"),
        (lambda: io.BytesIO(b"hello"), "no tar"),
        (lambda: damaged(zipfile.ZIP_DEFLATED), "no tar"),
        (lambda: damaged(zipfile.ZIP_BZIP2), "no tar"),
        (lambda: damaged(zipfile.ZIP_LZMA), "no tar"),
        (lambda: io.BytesIO(b"PK\x03\x04 nonsense"), "no tar"),
        (lambda: io.BytesIO(b"\x1f\x8b nonsense"), "no tar"),
        (lambda: tar(("a", b"x")), "no Dockerfile"),
        (lambda: tar(("a\nb", b"x")), "no path"),
    ],
)
def test_what_is_refused_leaves_nothing(
    archive: object, sentence: str, spool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contexts, "MOST_ENTRIES", 100)
    monkeypatch.setattr(contexts, "MOST_BYTES", 1024 * 1024)
    with pytest.raises(BadContext, match=sentence):
        contexts.keep(archive(), "")  # type: ignore[operator]
    assert list(spool.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["spool"]


@pytest.mark.django_db
def test_what_a_crash_left_is_swept(spool: Path) -> None:
    kept, left = contexts.keep(None, "FROM a")[0], contexts.keep(None, "FROM a")[0]
    young = contexts.keep(None, "FROM a")[0]
    for token in (kept, left):
        os.utime(spool / f"{token}.tar", (1, 1))
    factories.operation(
        factories.engine(), factories.user("a"), verb="image.build", params={"context": kept}, kind="image"
    )
    assert contexts.sweep() == 1
    assert sorted(path.stem for path in spool.iterdir()) == sorted([kept, young])
    Operation.objects.update(state=Operation.State.FAILED)
    assert contexts.sweep() == 1


@pytest.mark.parametrize("token", ["", "../../etc/passwd", "a" * 31, "A" * 32])
def test_no_token_names_another_file(token: str) -> None:
    assert contexts.opened(token) is None
    contexts.forget(token)


@pytest.mark.parametrize("pack", ["tar", "tar.gz", "zip"])
def test_a_large_one_takes_no_memory(pack: str, tmp_path: Path, spool: Path) -> None:
    """48 MiB and a thousand files, in pieces from disk to disk."""
    path, size = tmp_path / "context", 48 * 1024 * 1024
    with path.open("wb") as file, (tmp_path / "zeros").open("w+b") as zeros:
        zeros.truncate(size)
        if pack == "zip":
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
                packed.writestr("Dockerfile", "FROM busybox")
                packed.write(tmp_path / "zeros", "zeros")
        else:
            how: Any = {"mode": "w:gz", "compresslevel": 1} if pack == "tar.gz" else {"mode": "w"}
            with tarfile.open(fileobj=file, **how) as plain:
                plain.addfile(tarfile.TarInfo("Dockerfile"))
                plain.addfile(plain.gettarinfo(fileobj=zeros, arcname="zeros"), zeros)
                for number in range(1000):
                    plain.addfile(tarfile.TarInfo(f"folder/{number}"))
    tracemalloc.start()
    try:
        with path.open("rb") as archive:
            token, files, _ = contexts.keep(archive, "")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert files == (2 if pack == "zip" else 1002)
    assert (spool / f"{token}.tar").stat().st_size > size
    assert peak < 12 * 1024 * 1024, peak


def test_a_full_disk_is_said_and_leaves_nothing(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contexts, "SPARE", 2**62)
    with pytest.raises(BadContext, match="no room"):
        contexts.keep(tar(*FILES), "")
    assert list(spool.iterdir()) == []


def test_few_are_looked_at_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contexts, "WAIT", 0.01)
    with contexts._TURNS, contexts._TURNS, pytest.raises(BadContext, match="just now"):
        contexts.keep(None, "FROM a")
    contexts.forget(contexts.keep(None, "FROM a")[0])
