"""The form of a new volume: each kind's command and back, errors at their field, warnings."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import access
from console.engine.command.volume import CreateVolume, parse, render
from console.engine.risk import risk_of
from console.models import User
from console.pages.volume_form import VolumeForm, forgotten
from console.pages.volume_typed import KINDS, Typed
from tests import factories

EXAMPLES = (
    (Typed("vm1"), "docker volume create vm1"),
    (Typed("vm1", size="10g", options="", labels="a=b"), "docker volume create --opt size=10g --label a=b vm1"),
    (
        Typed("media", "nfs", server="192.168.10.5", path="/srv/media", version="4.2", more="soft"),
        "docker volume create --opt type=nfs --opt o=addr=192.168.10.5,rw,nfsvers=4.2,soft "
        "--opt device=:/srv/media media",
    ),
    (
        Typed("nas", "cifs", server="nas", path="media/films", user="bob", version="3.0", read_only=True),
        "docker volume create --opt type=cifs --opt o=addr=nas,username=bob,vers=3.0,ro "
        "--opt device=//nas/media/films nas",
    ),
    (
        Typed("scratch", "tmpfs", size="64m", mode="1777", owner="1000"),
        "docker volume create --opt type=tmpfs --opt o=size=64m,mode=1777,uid=1000 --opt device=tmpfs scratch",
    ),
    (
        Typed("data", "bind", path="/srv/data"),
        "docker volume create --opt type=none --opt o=bind --opt device=/srv/data data",
    ),
    (
        Typed("disk", "bind", path="/dev/sdb1", fs="ext4"),
        "docker volume create --opt type=ext4 --opt device=/dev/sdb1 disk",
    ),
    (
        Typed("far", "driver", driver="vieux/sshfs", options="sshcmd=a@b:/c"),
        "docker volume create --driver vieux/sshfs --opt sshcmd=a@b:/c far",
    ),
)


@pytest.mark.parametrize(("typed", "command"), EXAMPLES)
def test_each_kind_is_a_command_and_back(typed: Typed, command: str) -> None:
    assert render(typed.spec()) == command
    found = parse(command).command
    assert found is not None
    assert Typed.of(found) == typed


WORD = st.text("abcxyz019,=/:@. ", max_size=12).map(str.strip)
OPTION = st.tuples(st.sampled_from(["type", "o", "device", "size", "x"]), WORD)
SPEC = st.builds(CreateVolume, name=WORD, opt=st.lists(OPTION, max_size=4, unique_by=lambda pair: pair[0]).map(tuple))


@given(SPEC)
def test_no_command_changes_its_meaning_in_the_form(spec: CreateVolume) -> None:
    again = Typed.of(spec).spec()
    told, kept = ({name: sorted(value.split(",")) for name, value in one.opt} for one in (spec, again))
    assert kept == told


def test_a_password_with_a_comma_stays_one() -> None:
    typed = Typed("nas", "cifs", server="nas", path="m", user="bob", password="a,b,,c")
    assert dict(typed.spec().opt)["o"] == "addr=nas,username=bob,password=a,,b,,,,c"
    assert Typed.of(typed.spec()).password == "a,b,,c"
    assert forgotten(Typed("nas", password="***")).password == ""


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("name", {"name": "taken"}),
        ("size", {"size": "lots"}),
        ("options", {"options": "a=b"}),
        ("options", {"options": "size=1g\nsize=2g"}),
        ("labels", {"labels": "a=1\na=2"}),
        ("labels", {"labels": "token=***"}),
        ("server", {"kind": "nfs", "path": "/x"}),
        ("server", {"kind": "nfs", "path": "/x", "server": "a,b"}),
        ("path", {"kind": "nfs", "path": "x", "server": "nas"}),
        ("path", {"kind": "cifs", "path": "/", "server": "nas"}),
        ("version", {"kind": "nfs", "path": "/x", "server": "nas", "version": "9"}),
        ("user", {"kind": "cifs", "path": "m", "server": "nas", "password": "x"}),
        ("more", {"kind": "nfs", "path": "/x", "server": "nas", "more": "a b"}),
        ("mode", {"kind": "tmpfs", "mode": "rwx"}),
        ("owner", {"kind": "tmpfs", "owner": "bob"}),
        ("size", {"kind": "tmpfs", "size": "x"}),
        ("path", {"kind": "bind", "path": "data"}),
        ("fs", {"kind": "bind", "path": "/dev/sdb", "fs": "EXT 4"}),
        ("driver", {"kind": "driver"}),
    ],
)
def test_wrong_at_its_field(field: str, given: dict[str, Any]) -> None:
    engine = factories.engine("here")
    factories.volume(engine, "taken")
    form = VolumeForm(factories.user(), engine, Typed(**({"name": "vm1"} | given)), checked=True)
    assert set(form.shown) == {field}
    assert field in form.fields | {"version"}


@pytest.mark.django_db
def test_a_folder_of_the_host_is_not_for_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(access.ROLES, "viewer", frozenset(access.VERBS) - {"host", "admin"})
    engine = factories.engine("here")
    typed = Typed("root", "bind", path="/")
    deployer = factories.user("dep", User.Role.VIEWER)
    assert set(VolumeForm(deployer, engine, typed).errors) == {"kind"}
    form = VolumeForm(factories.user(), engine, typed)
    assert form.errors == {}
    assert any("root of the host" in text for text in form.warnings)
    for kind in KINDS:
        assert VolumeForm(deployer, engine, Typed("vm1", kind, path="/x")).needs_host == (kind != "local")


@pytest.mark.parametrize(
    "path",
    ["/", "//", "/etc", "/etc/ssl/private", "/var/run/docker.sock", "/run", "/x/../etc", "/var/lib/docker/volumes",
     "/proc/1", "/sys", "/dev/sda", "/root/x", "/home", "etc"],
)  # fmt: skip
def test_risky(path: str) -> None:
    assert risk_of(path)


@pytest.mark.parametrize(
    "path", ["/srv", "/etcetera", "/home/shop", "/etc/localtime", "/var/lib/app", "/opt", "/mnt/etc"]
)
def test_not_risky(path: str) -> None:
    assert risk_of(path) == ""
