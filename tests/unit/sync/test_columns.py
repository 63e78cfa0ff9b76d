"""Objects become columns: nothing is lost, nothing is longer than its column."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime

import pytest

from console.changes import Kind
from console.engine.types import Container, ContainerState, Image, Network, Unparsed, Volume
from console.sync.columns import MIRRORS, child_names, column_names, row
from tests.unit.sync import objects

RENAMED = {"container": {"id"}, "image": {"id"}, "network": {"id"}, "volume": {"name"}}
OBJECTS: list[tuple[Kind, Container | Image | Network | Volume]] = [
    ("container", objects.container(mounts=(objects.mount(),), endpoints=(objects.endpoint(aliases=("a", "b")),))),
    ("image", objects.image()),
    ("network", objects.network()),
    ("volume", objects.volume()),
]


@pytest.mark.parametrize(("kind", "found"), OBJECTS, ids=[kind for kind, _ in OBJECTS])
def test_every_field_has_a_place(kind: Kind, found: Container | Image | Network | Volume) -> None:
    made, mirror = row(kind, found), MIRRORS[kind]
    assert set(made.columns) == set(column_names(mirror)), "columns that are not set, or that the table has not"
    assert set(made.children) == set(mirror.children)
    for name, (model, parent) in mirror.children.items():
        assert made.children[name], f"the recorded {kind} shall have {name}"
        assert all(set(child) == set(child_names(model, parent)) for child in made.children[name])
    places = {*made.columns, *made.columns.get("details", {}), *made.children, *RENAMED[kind]}
    assert {field.name for field in fields(found)} <= places
    stored = {field.name for field in mirror.model._meta.concrete_fields} - {"id"}
    assert not stored & set(made.columns.get("details", {})), "a column stays empty, its value is a detail"


def test_a_container() -> None:
    found = objects.container(
        7,
        labels={"com.docker.compose.project": "shop", "com.docker.compose.service": "web"},
        state=ContainerState.PAUSED,
        started_at=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        env=(("A", "b"), ("C", "")),
        pid=4711,
        mounts=(objects.mount("/a"), objects.mount("/b", name="", type="bind")),
    )
    made = row("container", found)
    assert made.key == objects.container_id(7)
    assert (made.columns["project"], made.columns["service"], made.columns["state"]) == ("shop", "web", "paused")
    assert made.columns["started_at"] == found.started_at
    assert made.columns["env"] == [["A", "b"], ["C", ""]]
    assert made.columns["details"]["pid"] == 4711
    assert [(child["destination"], child["volume_name"]) for child in made.children["mounts"]] == [
        ("/a", "data"),
        ("/b", ""),
    ]


def test_every_column_of_a_row_is_filled_by_its_object() -> None:
    """A column that no object fills would stay at its default for ever, and ``verify`` could not tell."""
    for kind, mirror in MIRRORS.items():
        own = {"id", "engine", "version", mirror.key}
        wanted = {field.name for field in mirror.model._meta.concrete_fields} - own
        assert wanted == set(column_names(mirror)), kind
    found = objects.container()
    assert row("container", found).columns["image_id"] == found.image_id != ""


@pytest.mark.parametrize(
    ("reference", "repository", "tag"),
    [
        ("alpine:latest", "alpine", "latest"),
        ("10.0.0.1:5000/team/app:1.2", "10.0.0.1:5000/team/app", "1.2"),
        ("10.0.0.1:5000/app", "10.0.0.1:5000/app", ""),
        ("app", "app", ""),
    ],
)
def test_tags(reference: str, repository: str, tag: str) -> None:
    (child,) = row("image", objects.image(tags=(reference,))).children["tags"]
    assert child == {"reference": reference, "repository": repository, "tag": tag}


def test_anonymous_volumes() -> None:
    assert row("volume", objects.volume("ab" * 32)).columns["anonymous"]
    assert not row("volume", objects.volume("AB" * 32)).columns["anonymous"]
    assert not row("volume", objects.volume("data")).columns["anonymous"]


def test_strings_fit_their_columns() -> None:
    long = "x" * 4096
    found = objects.container(image=long, network_mode=long, endpoints=(objects.endpoint(long),))
    made = row("container", found)
    assert len(made.columns["image"]) == 600
    assert made.columns["image"].endswith("(cut, 4,096 characters)")
    assert len(made.children["endpoints"][0]["network_name"]) <= 300
    assert made.columns["digest"] != row("container", objects.container(image=long + "y")).columns["digest"]


@pytest.mark.parametrize("kind", list(MIRRORS))
def test_what_cannot_be_parsed_has_a_row(kind: Kind) -> None:
    made = row(kind, Unparsed("f" * 64, "who", "no Id"))
    assert set(made.columns) == set(column_names(MIRRORS[kind]))
    assert made.columns["problem"] == "no Id"
    assert made.key == "f" * 64
    if kind in ("container", "network"):
        assert made.columns["name"] == "who"


def test_the_digest_is_of_everything() -> None:
    one = row("container", objects.container()).columns["digest"]
    assert row("container", objects.container()).columns["digest"] == one
    for change in ({"pid": 1}, {"labels": {"a": "b"}}, {"mounts": (objects.mount("/other"),)}, {"hostname": "h"}):
        assert row("container", objects.container(**change)).columns["digest"] != one
