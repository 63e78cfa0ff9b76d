"""Who may do what, over every route: anonymous, viewer, admin × own, foreign and missing object × every method."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.test.client import ClientHandler
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from pytest_django.fixtures import Settings

from console import access
from console.models import (
    AuditEntry,
    Container,
    Engine,
    Event,
    Image,
    Network,
    Operation,
    Registry,
    User,
    Volume,
)
from tests.matrix import NOBODY, PUBLIC, ROUTES, SIGNED_IN, Row
from tests.world import World, build

ACTORS = ("anonymous", "viewer", "admin")
READING = ("GET", "HEAD", "OPTIONS")
WRITING = ("POST", "PUT", "PATCH", "DELETE")
CHANGING = (Operation, AuditEntry, Container, Engine, Event, Image, Network, Registry, User, Volume)

pytestmark = pytest.mark.django_db


def routes(patterns: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns)
        else:
            yield pattern


ALL_ROUTES = {route.name or str(route.pattern): route for route in routes(get_resolver().url_patterns)}


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert set(ROUTES) == set(ALL_ROUTES)


@pytest.fixture
def world(settings: Settings, tmp_path: Path) -> World:
    settings.DATA_DIR = tmp_path  # for what is uploaded
    return build()


def address(name: str, row: Row, value: str) -> str:
    """The route's address; parameters are the engine's slug, then the object."""
    kwargs: dict[str, Any] = {}
    for parameter in ALL_ROUTES[name].pattern.converters:
        if parameter in row.kwargs:
            kwargs[parameter] = row.kwargs[parameter]
        elif parameter == "slug":
            kwargs[parameter] = value if row.object == "engine" else "here"
        else:
            kwargs[parameter] = value
    return reverse(name, kwargs=kwargs)


@functools.cache
def handler(csrf: bool) -> ClientHandler:
    """What all clients ask: its middleware is loaded once."""
    return ClientHandler(enforce_csrf_checks=csrf)


def client(actor: str, csrf: bool = False) -> Client:
    made = Client(raise_request_exception=True)
    made.handler = handler(csrf)
    if actor != "anonymous":
        made.force_login(User.objects.get(username=actor))
    return made


def allowed(actor: str, verb: str) -> bool:
    if verb in (PUBLIC, NOBODY):
        return verb == PUBLIC
    if actor == "anonymous":
        return False
    return verb == SIGNED_IN or verb in access.ROLES[actor]


def rows() -> dict[str, list[dict[str, Any]]]:
    """All that a request could change, except when somebody signed in last and the like."""
    found: dict[str, list[dict[str, Any]]] = {}
    for model in CHANGING:
        every = model._default_manager.order_by("pk").values()
        found[model.__name__] = [{name: value for name, value in row.items() if name != "last_login"} for row in every]
    return found


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_matrix(name: str, world: World) -> None:
    row = ROUTES[name]
    for actor, (which, value) in itertools.product(ACTORS, world[row.object].items()):
        target, before, reader = address(name, row, value), rows(), client(actor)
        for method in READING:
            judge(row, actor, which, method, reader.generic(method, target), f"{name} {method} {actor} {which}")
        assert rows() == before, f"{name} {actor} {which}: reading changed something"
        for method in WRITING:
            sent = client(actor)
            answer = sent.post(target, row.form) if method == "POST" else sent.generic(method, target)
            judge(row, actor, which, method, answer, f"{name} {method} {actor} {which}")


def judge(row: Row, actor: str, which: str, method: str, answer: Any, asked: str) -> None:
    """Fails unless the answer is what the row says."""
    status, case = answer.status_code, f"{asked}: {answer.status_code}"
    to_sign_in = answer.headers.get("Location", "").startswith(reverse("account_login"))
    known = ("GET" if method == "HEAD" else method) in row.methods
    assert status < 500 or status in row.answers, case
    if row.verb == NOBODY:
        assert status == 404 or (actor == "anonymous" and to_sign_in), case
    elif row.verb != PUBLIC and actor == "anonymous":
        assert status == 302, case
        assert to_sign_in, case
    elif not known:
        assert method in ("HEAD", "OPTIONS") or status in (403, 404, 405), case
    elif which != "own":
        assert status == 404, case
    elif not allowed(actor, row.verb):
        assert status == 403, case
    else:
        assert status in (200, 202, 204, 302, 303, 409, 422, *row.answers), case
        assert not to_sign_in or actor == "anonymous" or row.verb in (PUBLIC, SIGNED_IN), case


@pytest.mark.parametrize("name", sorted(name for name, row in ROUTES.items() if "POST" in row.methods))
def test_a_post_without_a_token_is_refused(name: str, world: World) -> None:
    row = ROUTES[name]
    for actor in ("viewer", "admin"):
        sent = client(actor, csrf=True)
        before = Operation.objects.count()
        answer = sent.post(address(name, row, world[row.object]["own"]), row.form)
        assert answer.status_code == 403
        assert Operation.objects.count() == before


def steady(line: str) -> bool:
    """Whether a line of a page is the same at every asking: no token, no clock."""
    return "csrf" not in line.lower() and "data-now" not in line


@pytest.mark.parametrize("name", sorted(name for name, row in ROUTES.items() if row.object))
def test_foreign_and_missing_look_the_same(name: str, world: World) -> None:
    row = ROUTES[name]
    values = world[row.object]
    if "foreign" not in values:
        return
    for actor in ("viewer", "admin"):
        bodies = set()
        for which in ("foreign", "missing"):
            answer = client(actor).generic(row.methods[0], address(name, row, values[which]))
            text = answer.content.decode().replace(values[which], "…")
            bodies.add((answer.status_code, "".join(filter(steady, text.splitlines()))))
        assert len(bodies) == 1, name
