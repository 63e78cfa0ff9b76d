"""The steps before the console listens: each does its work once, and the engine's row keeps the whole address."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from console.engine.address import discover
from console.management import startup
from console.models import Engine, User

pytestmark = pytest.mark.django_db


def test_nothing_is_to_be_migrated_twice() -> None:
    assert startup.unapplied() == []
    assert startup.migrate() is False


def test_the_first_admin_is_made_once_and_may_be_given_a_password() -> None:
    made_up = startup.first_admin({})
    assert made_up
    admin = User.objects.get()
    assert (admin.username, admin.role) == ("admin", User.Role.ADMIN)
    assert admin.check_password(made_up)
    assert startup.first_admin({}) is None
    assert startup.first_admin({"QUARTERDECK_ADMIN_PASSWORD": "something else"}) is None
    assert User.objects.get().check_password(made_up)


def test_somebody_else_is_enough_to_make_no_admin() -> None:
    User.objects.create(username="viewer")
    assert startup.first_admin({}) is None
    assert User.objects.count() == 1


def test_of_two_that_start_together_one_makes_the_admin(monkeypatch: pytest.MonkeyPatch) -> None:
    first = startup.first_admin({})
    monkeypatch.setattr(type(User.objects.all()), "exists", lambda rows: False)  # what the other one saw
    assert startup.first_admin({}) is None
    assert User.objects.get().check_password(first or "")


def test_passwords_that_are_made_up_differ() -> None:
    first = startup.first_admin({})
    User.objects.all().delete()
    assert startup.first_admin({}) != first


@pytest.mark.parametrize(
    "environ",
    [
        {"DOCKER_HOST": "unix:///run/one.sock"},
        {"DOCKER_HOST": "tcp://192.0.2.1:2375"},
        {"DOCKER_HOST": "tcp://192.0.2.1:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certificates"},
        {"DOCKER_HOST": "https://[2001:db8::1]"},
    ],
    ids=str,
)
def test_the_row_gives_the_address_back(environ: dict[str, str]) -> None:
    row = startup.engine_row(environ)
    row.refresh_from_db()
    assert row.slug == "local"
    assert row.address == discover(environ)


def test_a_moved_address_moves_the_row_and_nothing_else() -> None:
    row = startup.engine_row({"DOCKER_HOST": "unix:///run/one.sock"})
    Engine.objects.filter(pk=row.pk).update(engine_id="ABC", state=Engine.State.LIVE, lease_owner="somebody", version=7)
    moved = startup.engine_row({"DOCKER_HOST": "unix:///run/two.sock"})
    moved.refresh_from_db()
    assert moved.pk == row.pk
    assert (moved.url, moved.engine_id, moved.state) == ("unix:///run/two.sock", "ABC", Engine.State.LIVE)
    assert (moved.lease_owner, moved.version) == ("somebody", 7)


def test_static_files_are_collected_once(tmp_path: Path, settings: Settings) -> None:
    built = tmp_path / "build"
    built.mkdir()
    (built / ".stamp").write_text("one")
    (built / "a.css").write_text("body{}")
    settings.STATIC_ROOT, settings.STATICFILES_DIRS = tmp_path / "static", [built]
    settings.STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    assert startup.collect_static() is True
    assert startup.collect_static() is False
    (built / "a.css").unlink()
    (built / "b.css").write_text("p{}")
    (built / ".stamp").write_text("two")
    assert startup.collect_static() is True
    assert (tmp_path / "static" / "b.css").exists()
    assert not (tmp_path / "static" / "a.css").exists()


def test_one_process_holds_the_data_folder(tmp_path: Path) -> None:
    with startup.only_process(tmp_path / "data"):
        with pytest.raises(startup.StartupError, match="QUARTERDECK_DATA"), startup.only_process(tmp_path / "data"):
            pass
        with startup.only_process(tmp_path / "other"):
            pass
    with startup.only_process(tmp_path / "data"):
        pass
