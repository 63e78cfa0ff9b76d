"""The check at the end of tests sees what it is there for: a leak of each kind turns it red, and nothing else does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from console.engine import looking
from console.engine.address import Address
from console.engine.client import EngineClient
from tests import leavings
from tests.engines import PrivateEngine

OF_A_DEAD_MAKER = """
import os, sys
from console.engine import looking
from console.engine.address import Address
from console.engine.client import EngineClient
with looking.looking(EngineClient(Address(sys.argv[1])), "vm1"):
    os._exit(0)
"""


def test_a_container_of_ours_is_told_when_its_maker_lives(clean_engine: PrivateEngine) -> None:
    leavings.check_engine(clean_engine, 0.0)
    clean_engine.docker("volume", "create", "vm1")
    clean_engine.docker("create", "--name", "quarterdeck-looks-like-it", "busybox", "true")
    leavings.check_engine(clean_engine, 0.0)
    with EngineClient(Address(clean_engine.url)) as client, looking.looking(client, "vm1") as found:
        with pytest.raises(AssertionError, match=f"container /{leavings.PREFIX}-"):
            leavings.check_engine(clean_engine, 0.0)
        assert found.container_id in json.dumps(clean_engine.get("/containers/json?all=1")), "it is not swept"
    leavings.check_engine(clean_engine, 0.0)


def test_what_a_crash_left_is_the_sweeps(clean_engine: PrivateEngine) -> None:
    clean_engine.docker("volume", "create", "vm1")
    subprocess.run([sys.executable, "-c", OF_A_DEAD_MAKER, clean_engine.url], check=True, timeout=60)
    assert len(leavings.of_engine(clean_engine)) == 1
    leavings.check_engine(clean_engine, 0.0)
    assert leavings.of_engine(clean_engine) == []


def test_images_volumes_and_networks_of_ours_are_told(clean_engine: PrivateEngine) -> None:
    clean_engine.docker("tag", "busybox", f"{leavings.PREFIX}:1")
    clean_engine.docker("volume", "create", f"{leavings.PREFIX}-v")
    clean_engine.docker("network", "create", f"{leavings.PREFIX}-n")
    kinds = [word.partition(" ")[0] for word in leavings.of_engine(clean_engine)]
    assert kinds == ["image", "volume", "network"]
    clean_engine.clean()


def test_files_of_the_spool_are_told_unless_an_operation_needs_them(tmp_path: Path) -> None:
    leavings.check_data(tmp_path)
    folder = tmp_path / "spool" / "uploads"
    folder.mkdir(parents=True)
    (folder / "1-aa.up").touch()
    leavings.check_data(tmp_path, needed=["aa"])
    with pytest.raises(AssertionError, match=r"spool/uploads/1-aa\.up"):
        leavings.check_data(tmp_path)


def test_temporary_files_of_children_are_told(temporary_files: Path) -> None:
    assert tempfile.gettempdir() == os.environ["TMPDIR"] == str(temporary_files)
    child = "import tempfile; tempfile.mkstemp(suffix='.upload')"
    watched = leavings.temporary_folder()
    folder = watched.__enter__()
    (folder / "org.chromium.x").mkdir()
    subprocess.run([sys.executable, "-c", child], check=True, timeout=60)
    with pytest.raises(AssertionError, match=r"temporary files: tmp.*\.upload"):
        watched.__exit__(None, None, None)
    assert not folder.exists()
    assert tempfile.gettempdir() == str(temporary_files)
