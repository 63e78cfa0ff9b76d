"""The list of bind mounts and tmpfs: one row a folder of the host, what is risky, and what viewers are not told."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from console.engine.risk import EXACT, HARMLESS, SOCKETS, WITHIN, risk_of
from console.models import Mount, User
from console.pages.storage import StorageList, risky
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def here() -> Any:
    engine = factories.engine("here")
    web, db = factories.container(engine, "web"), factories.container(engine, "db")
    for of, source, only in ((web, "/srv/data", False), (db, "/srv/data", True), (web, "/etc", True)):
        factories.mount(of, type="bind", source=source, destination=f"/in{source}", volume_name="", read_only=only)
    factories.mount(db, type="bind", source="/var/run/docker.sock", destination="/sock", volume_name="")
    factories.mount(db, type="tmpfs", source="", destination="/run", volume_name="", mode="size=64m")
    factories.mount(web, type="tmpfs", source="", destination="/run", volume_name="")
    factories.mount(web, volume_name="data")
    return engine


def listed(engine: Any, by: User, query: str = "") -> StorageList:
    return StorageList(by, engine, QueryDict(query))


def test_a_folder_of_the_host_is_one_row_with_all_who_have_it(here: Any) -> None:
    found = listed(here, factories.user())
    rows = {row.source or row.uses[0].name: row for row in found.rows}
    assert set(rows) == {"/srv/data", "/etc", "/var/run/docker.sock", "web", "db"}
    assert [(use.name, use.mode) for use in rows["/srv/data"].uses] == [("db", "read only"), ("web", "read and write")]
    assert rows["db"].options == "size=64m"
    assert found.numbers == {"all": 5, "bind": 3, "tmpfs": 2, "risky": 2, "fit": 5}
    assert rows["/srv/data"].risk == ""
    assert "passwords" in rows["/etc"].risk
    assert "root of the host" in rows["/var/run/docker.sock"].risk


@pytest.mark.parametrize(
    ("query", "sources"),
    [
        ("show=risky", {"/etc", "/var/run/docker.sock"}),
        ("q=risky:no", {"/srv/data", ""}),
        ("q=container:web", {"/srv/data", "/etc", ""}),
        ("q=source:etc", {"/etc"}),
        ("q=at:/in", {"/srv/data", "/etc"}),
        ("q=ro:yes", {"/srv/data", "/etc"}),
        ("q=srv", {"/srv/data"}),
        ("show=tmpfs&sort=-type", {""}),
    ],
)
def test_filters(query: str, sources: set[str], here: Any) -> None:
    found = listed(here, factories.user(), query)
    assert not found.error
    assert {row.source for row in found.rows} == sources


def test_viewers_are_told_no_source_and_cannot_search_for_one(here: Any, client: Client) -> None:
    viewer = factories.user("viewer", User.Role.VIEWER)
    for query in ("q=source:etc", "q=risky:yes", "q=risky:no", "show=risky"):
        assert list(listed(here, viewer, query).rows) == []
    assert [row.uses[0].destination for row in listed(here, viewer, "q=etc").rows] == ["/in/etc"]
    assert [segment.label for segment in listed(here, viewer).segments] == ["All", "Bind mounts", "tmpfs"]
    client.force_login(viewer)
    text = client.get(reverse("volume-mounts", args=["here"])).content.decode()
    assert "docker.sock" not in text
    assert "hidden from viewers" in text
    assert "Passwords" not in text


PIECES = st.sampled_from([*EXACT, *WITHIN, *HARMLESS, *(f"/x/{name}" for name in SOCKETS), "/srv", "/etcetera"])
TAILS = st.sampled_from(["", "/a", "/docker.sock", "x", "/localtime"])


@given(st.tuples(PIECES, TAILS).map("".join))
@budget(max_examples=60, deadline=None)
def test_the_filter_and_the_reason_agree(source: str) -> None:
    source = f"/{source.strip('/')}".replace("//", "/")
    engine = factories.engine("there")
    mount = factories.mount(factories.container(engine, "c"), type="bind", source=source, volume_name="")
    assert Mount.objects.filter(risky(), pk=mount.pk).exists() == bool(risk_of(source))
    engine.delete()
