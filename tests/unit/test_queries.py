"""Whatever stands in the address of a page, the console answers: never with an error of its own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote_from_bytes

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console import access
from tests.matrix import PUBLIC, ROUTES, SIGNED_IN
from tests.unit.test_matrix import ALL_ROUTES, address
from tests.world import World, build

CONSOLE = Path(__file__).resolve().parents[2] / "console"
ASKED = re.compile(
    r"""(?:GET|params|query|data)(?:\.get|\.getlist)?[(\[]\s*["'](\w+)["']|["'](\w+)["'] in request\.GET"""
)
# Every query parameter that the source names, so that a new one is tried too.
PARAMETERS = sorted(
    {name for path in CONSOLE.rglob("*.py") for pair in ASKED.findall(path.read_text()) for name in pair if name}
)
GETS = sorted(
    name
    for name, row in ROUTES.items()
    if "GET" in row.methods and name in ALL_ROUTES and row.verb in (PUBLIC, SIGNED_IN, *access.VERBS)
)
NUMBERS: tuple[str, ...] = (
    "-1",
    "0",
    "1",
    "2147483648",
    "9223372036854775808",
    "1" * 400,
    "1" * 5000,
    "1e9",
    "NaN",
    "٣",
    "0x10",
    "1_000",
)
NUMBERS += ("²", "½", "1.5", "+1", " 1", "1 ", "-0", "true")
FILTERS: tuple[str, ...] = (
    "state:",
    "-state:running",
    "state:running state:exited",
    "port:8080",
    "size>10MB",
    "created<1h",
    "label:a=b",
)
FILTERS += (
    'name:"',
    '"a b" -"',
    "none:x",
    "id:" + "f" * 64,
    "size>" + "9" * 30 + "TB",
    "created>99999999999d",
    "a" * 5000,
)
HOSTILE: tuple[str, ...] = (
    "",
    "\x00",
    "'",
    '"><script>',
    "{{ 7 }}",
    "%s%n",
    "../../etc/passwd",
    "\u202e",
    "\r\nX: 1",
    "😀" * 50,
    "a%",
    "_",
)
HOSTILE += (
    "image",
    "container",
    "a:b@c",
    "0" * 64,
    "sha256:" + "0" * 64,
    "2026-11-25",
    "2026-02-30T25:00:00Z",
    "0.0.0.0:80",
)

values = st.one_of(
    st.sampled_from([text.encode() for text in (*NUMBERS, *FILTERS, *HOSTILE)]),
    st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=40),
    st.integers().map(lambda number: str(number).encode()),
)
queries = st.lists(st.tuples(st.sampled_from(PARAMETERS), values), max_size=6)


def test_parameters_are_found_in_the_source() -> None:
    assert {"q", "page", "sort", "engine"} <= set(PARAMETERS)


@pytest.fixture
def world(db: None) -> World:
    return build()


@pytest.fixture
def admin(world: World, client: Client) -> Client:
    client.post("/login", {"login": "admin", "password": "correct horse battery", "next": "/keys"})
    client.raise_request_exception = True
    return client


@pytest.mark.parametrize("name", GETS)
def test_no_query_breaks_a_page(name: str, world: World, admin: Client) -> None:
    row = ROUTES[name]
    path = address(name, row, world[row.object]["own"])

    @settings(max_examples=20, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(queries, st.booleans())
    def asked(query: list[tuple[str, bytes]], htmx: bool) -> None:
        text = "&".join(f"{parameter}={quote_from_bytes(value)}" for parameter, value in query)
        answer = admin.get(path, headers={"HX-Request": "true"} if htmx else {}, QUERY_STRING=text)
        assert answer.status_code < 500 or answer.status_code in row.answers, (path, text)
        if answer.streaming:
            b"".join(cast(Any, answer).streaming_content)

    asked()
