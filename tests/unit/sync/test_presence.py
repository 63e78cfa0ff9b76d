"""The engine's row says whether its mirror can be believed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from console.engine import parse
from console.engine.errors import Failed, Unreachable
from console.engine.types import EngineInfo
from console.models import Engine
from console.sync import presence
from console.sync.identity import confirm
from console.sync.lease import LeaseLost
from console.sync.refresh import refreshed, request_refresh
from tests.unit.sync import objects

pytestmark = pytest.mark.django_db


@pytest.fixture
def engine() -> Engine:
    return objects.engine()


@pytest.fixture
def info() -> EngineInfo:
    return parse.info(objects.recorded("info"), objects.recorded("version"), "1.41")


def test_from_new_to_live_to_stale_and_back(engine: Engine, info: EngineInfo) -> None:
    now = timezone.now()
    presence.connected(engine.pk, 1, info)
    engine.refresh_from_db()
    assert (engine.engine_id, engine.name, engine.state, engine.version) == (info.id, info.name, "new", 1)
    assert engine.info["kernel"] == info.kernel
    presence.connected(engine.pk, 1, info)
    engine.refresh_from_db()
    assert engine.version == 1, "nothing new"

    assert presence.seen(engine.pk, 1, now) == 1
    engine.refresh_from_db()
    assert (engine.state, engine.seen_at, engine.stale_since) == ("live", now, None)

    retry = now + timedelta(seconds=5)
    presence.lost(engine.pk, 1, Unreachable("It does not answer.", "timeout"), retry)
    presence.lost(engine.pk, 1, Failed("It fails."), retry)
    engine.refresh_from_db()
    assert (engine.state, engine.stale_since, engine.retry_at) == ("stale", now, retry)
    assert (engine.problem, engine.error) == ("lost", "It fails.")

    presence.seen(engine.pk, 1, retry, retry)
    engine.refresh_from_db()
    assert (engine.state, engine.stale_since, engine.retry_at, engine.error) == ("live", None, None, "")
    assert engine.last_event_at == retry


def test_an_engine_that_never_answered(engine: Engine) -> None:
    presence.lost(engine.pk, 1, Unreachable("It is not running.", "not-running"), timezone.now())
    engine.refresh_from_db()
    assert (engine.state, engine.problem, engine.stale_since) == ("unreachable", "not-running", None)


def test_a_newcomer_waits_for_a_word(engine: Engine, info: EngineInfo) -> None:
    presence.connected(engine.pk, 1, info)
    assert not confirm(engine.pk)
    presence.swapped(engine.pk, 1, replace(info, id="NEW"), timezone.now())
    engine.refresh_from_db()
    assert (engine.state, engine.engine_id, engine.found["id"]) == ("swapped", info.id, "NEW")
    assert not confirm(engine.pk, "OTHER"), "not the one that the person saw"
    assert confirm(engine.pk, "NEW")
    engine.refresh_from_db()
    assert engine.engine_id == "NEW"
    assert engine.resync_requested_at is not None
    presence.seen(engine.pk, 1, timezone.now())
    assert not confirm(engine.pk)


def test_podman_makes_up_ids(info: EngineInfo) -> None:
    podman = replace(info, product="Podman Engine", id="one")
    assert presence.identity(podman) == presence.identity(replace(podman, id="two"))
    assert presence.identity(podman) != presence.identity(replace(podman, name="elsewhere"))
    assert presence.identity(info) == info.id


def test_a_former_holder_says_nothing(engine: Engine, info: EngineInfo) -> None:
    before = Engine.objects.values().get()
    now = timezone.now()
    with pytest.raises(LeaseLost):
        presence.connected(engine.pk, 2, info)
    with pytest.raises(LeaseLost):
        presence.seen(engine.pk, 2, now)
    with pytest.raises(LeaseLost):
        presence.lost(engine.pk, 2, Failed("no"), now)
    with pytest.raises(LeaseLost):
        presence.swapped(engine.pk, 2, info, now)
    with pytest.raises(LeaseLost):
        presence.synced(engine.pk, 2, now, None)
    assert Engine.objects.values().get() == before
    engine.delete()
    with pytest.raises(LeaseLost):
        presence.lost(engine.pk or 0, 1, Failed("no"), now)


def test_a_refresh_is_over_when_its_own_comparison_is(engine: Engine) -> None:
    request_refresh(engine.pk)
    first = Engine.objects.get().resync_requested_at
    assert not refreshed(engine.pk)
    request_refresh(engine.pk)
    presence.synced(engine.pk, 1, timezone.now(), first)
    assert not refreshed(engine.pk), "somebody asked again meanwhile"
    presence.synced(engine.pk, 1, timezone.now(), Engine.objects.get().resync_requested_at)
    assert refreshed(engine.pk)


def test_long_words_fit(engine: Engine, info: EngineInfo) -> None:
    presence.connected(engine.pk, 1, replace(info, name="n" * 255, server_version="v" * 255))
    engine.refresh_from_db()
    assert (len(engine.name), len(engine.server_version)) == (200, 100)
