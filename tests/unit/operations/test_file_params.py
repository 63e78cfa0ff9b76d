"""What changes of files are told: paths of any bytes, commands that a shell takes as meant, no secrets kept."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.engine import paths
from console.operations.file_params import DeleteParams, EditParams, FileParams, MakeParams, RenameParams, UploadParams
from console.operations.params import InvalidParams

NAMES = (
    st.binary(min_size=1, max_size=60)
    .filter(lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b".."))
    .map(paths.decoded)
)
TOKEN = "0" * 32


@given(NAMES, NAMES)
def test_any_name_survives_the_row(folder: str, name: str) -> None:
    path = f"/{folder}/{name}"
    params = DeleteParams.read({"path": paths.quoted(path)})
    row = json.dumps(params.to_json())
    row.encode("ascii")
    assert DeleteParams.read(json.loads(row)) == params
    assert params.real == path


@given(NAMES)
def test_a_command_names_one_path_whatever_it_is_called(name: str) -> None:
    params = DeleteParams(paths.quoted(f"/{name}"))
    for base in ("docker container exec", "docker container run"):
        words = shlex.split(params.command(base, "web"))
        assert words[-4:-1] == ["rm", "-rf", "--"]
        assert words[-1].endswith(f"/{paths.shown(name)}")


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (FileParams, {"path": "/"}),
        (FileParams, {}),
        (FileParams, {"path": "/a/%2E%2E/b"}),
        (FileParams, {"path": "/a%00"}),
        (RenameParams, {"path": "/a/b", "to": "/b"}),
        (RenameParams, {"path": "/a", "to": "/a"}),
        (RenameParams, {"path": "/a"}),
        (EditParams, {"path": "/a", "text": "x"}),
        (EditParams, {"path": "/a", "seal": "x", "text": "x"}),
        (EditParams, {"path": "/a", "seal": "1-2026", "text": "x" * 300_000}),
        (UploadParams, {"path": "/a", "upload": "../x", "by": "1", "size": 1}),
        (UploadParams, {"path": "/a", "upload": TOKEN, "by": "x", "size": 1}),
        (UploadParams, {"path": "/a", "upload": TOKEN, "by": "1", "size": "1"}),
    ],
)
def test_refused(kind: type[FileParams], data: dict[str, Any]) -> None:
    with pytest.raises(InvalidParams):
        kind.read(data)


def test_what_reaches_the_host_needs_the_right() -> None:
    assert MakeParams.read({"path": "/a", "host": True}).needs() == "host"
    assert MakeParams.read({"path": "/a"}).needs() == ""


def test_the_text_is_no_public_parameter_and_in_no_command() -> None:
    params = EditParams.read({"path": "/a", "seal": "4-2026-11-25T12:46:24.151Z", "text": "s3cret", "digest": "x"})
    assert params.text == "s3cret"
    assert "s3cret" not in f"{params.public()}{params.command('docker container exec', 'web')}"
    assert EditParams.read(params.public().to_json()).text is None


def test_docker_words() -> None:
    assert MakeParams("/a/b").command("docker container exec", "web") == "docker container exec --user 0 web mkdir /a/b"
    rename = RenameParams("/a", to="/b").command("docker container run", "vm1")
    assert rename.endswith("--mount type=volume,src=vm1,target=/v busybox mv -n -- /v/a /v/b")
    upload = UploadParams("/etc/x.conf", upload=TOKEN, by="1", size=1)
    assert upload.command("docker container exec", "web") == "docker container cp x.conf web:/etc/x.conf"
