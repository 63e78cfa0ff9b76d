"""The page of the map: what it draws, that its table says the same, its filter, its file, hostile names."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console.models import Container, Endpoint, Engine, Network, Operation, User
from console.pages.network_map import MOST_ROWS, NetworkMap
from tests import factories

pytestmark = pytest.mark.django_db
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert(1)</script>\"'&{{ x }}\uffff"


def network(engine: Engine, number: int, name: str, **columns: object) -> Network:
    pools = [{"subnet": f"10.{number}.0.0/16", "gateway": f"10.{number}.0.1"}]
    return factories.network(engine, name, ipam=pools, **columns)


def join(container: Container, to: Network, address: str, **columns: object) -> None:
    factories.endpoint(container, to, **({"endpoint_id": "e" * 64, "ipv4_address": address} | columns))


@pytest.fixture
def engine() -> Engine:
    row = factories.engine("rocky")
    front, back = network(row, 2, "front"), network(row, 3, "back", internal=True)
    web, api = factories.container(row, "web"), factories.container(row, "api", ports=[])
    old = factories.container(row, "old", state="exited", ports=[])
    join(web, front, "10.2.0.2")
    join(api, front, "10.2.0.3")
    join(api, back, "10.3.0.2")
    join(old, front, "", endpoint_id="")
    return row


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(factories.user("mika"))
    return client


def shown(engine: Engine, query: str = "") -> NetworkMap:
    return NetworkMap(User.objects.get(), engine, QueryDict(query))


URL = "/e/rocky/networks/map"


def test_picture_and_table_say_the_same(admin: Client, engine: Engine) -> None:
    text = admin.get(URL).content.decode()
    picture, _, table = text.partition('<div class="maptable')
    for fact in (
        "web",
        "api",
        "10.2.0.2",
        "10.2.0.3",
        "10.3.0.2",
        "0.0.0.0:8080-&gt;80/tcp",
        "10.2.0.0/16",
        "internal",
    ):
        assert fact in picture, fact
        assert fact in table, fact
    assert len(re.findall(r'<a class="node', picture)) == 2
    assert ">old<" not in text


def test_stopped_containers_come_when_asked_for(admin: Client, engine: Engine) -> None:
    text = admin.get(URL, {"stopped": "1"}).content.decode()
    assert len(re.findall(r'<a class="node', text)) == 3
    assert "joins when it starts" in text
    assert "not yet" in text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("web", {"web"}),
        ("network:back", {"api"}),
        ("port:8080", {"web"}),
        ("subnet:10.3.0.0/16", {"api"}),
        ("ip:10.2", {"web", "api"}),
        ("-network:back", {"web"}),
        ("state:exited", {"old"}),
    ],
)
def test_filter(admin: Client, engine: Engine, query: str, found: set[str]) -> None:
    page = shown(engine, f"q={query}")
    assert {node.name for node in page.drawing.nodes} == found, page.error
    assert {row.name for group in page.groups for row in group.rows} == found


def test_lanes_without_a_match_fold(admin: Client, engine: Engine) -> None:
    page = shown(engine, "q=web")
    assert [rail.name for rail in page.drawing.rails if rail.count is not None] == ["back"]


def test_what_is_wrong_stands_at_its_field(admin: Client, engine: Engine) -> None:
    answer = admin.get(URL, {"q": "bad:1"})
    assert answer.status_code == 422
    assert b"Unknown key" in answer.content
    answer = admin.get(URL, {"a": "nobody", "b": "web", "port": "http"})
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "There is no container “nobody”" in text
    assert "A number from 1 to 65535" in text
    assert 'value="http"' in text
    assert '<option value="' in text


def test_a_pin_lets_a_container_stand_out(admin: Client, engine: Engine) -> None:
    text = admin.get(URL, {"pin": "api"}).content.decode()
    assert 'class="topo is-focus"' in text
    assert len(re.findall(r'class="node[^"]* self"', text)) == 1
    assert "Reaches by name or IP" in text
    assert f"/containers/{Container.objects.get(name='api').container_id}/connect" in text


def test_a_question_is_answered_with_what_would_change_it(admin: Client, engine: Engine) -> None:
    text = admin.get(URL, {"a": "web", "b": "api", "port": "80"}).content.decode()
    assert "Yes, through front" in text
    assert 'class="topo is-pair"' in text
    lonely = factories.container(engine, "lonely", ports=[])
    third = network(engine, 4, "third")
    join(lonely, third, "10.4.0.2")
    text = admin.get(URL, {"a": "lonely", "b": "api"}).content.decode()
    assert "No path" in text
    assert "docker network connect back lonely" in text
    assert "docker network connect third api" in text
    back = Network.objects.get(name="back")
    assert f'hx-get="/e/rocky/containers/{lonely.container_id}/connect?network={back.network_id}"' in text
    assert admin.get(URL, {"a": "web", "b": "web"}).status_code == 200


def test_the_panel_of_a_container_alone(admin: Client, engine: Engine) -> None:
    text = admin.get(URL, {"at": "web"}, headers={"HX-Request": "true"}).content.decode()
    assert text.lstrip().startswith("<aside")
    assert "a click or Enter pins it" in text


def test_the_file_stands_alone(admin: Client, engine: Engine) -> None:
    factories.container(engine, HOSTILE, container_id="f" * 64, ports=[])
    answer = admin.get(f"{URL}.svg")
    assert "attachment" in answer.headers["Content-Disposition"]
    root = ET.fromstring(answer.content)  # noqa: S314
    (style,) = root.iter(f"{SVG}style")
    assert style.attrib == {}
    assert "--surface" in (style.text or "")
    text = answer.content.decode()
    assert not re.search(r"(?:href|src)=\"(?!#)|url\(|@import|<script|\son\w+=|\sstyle=", text)
    used = {str(use.get("href")) for use in root.iter(f"{SVG}use")}
    assert used
    assert used <= {f"#{symbol.get('id')}" for symbol in root.iter(f"{SVG}symbol")}
    assert {node.get("data-c") for node in root.iter(f"{SVG}a")} == {
        row.short_id for row in Container.objects.exclude(state="exited")
    }


def test_hostile_names_stay_text(admin: Client, engine: Engine) -> None:
    evil = network(engine, 5, HOSTILE)
    join(factories.container(engine, HOSTILE, container_id="f" * 64, service=HOSTILE), evil, "10.5.0.2")
    for query in ({}, {"pin": "f" * 12}, {"a": "f" * 12, "b": "web"}):
        text = admin.get(URL, query).content.decode()
        assert "<script>alert" not in text
        assert "&lt;script&gt;" in text


def test_the_number_of_queries_does_not_grow(admin: Client, engine: Engine) -> None:
    with CaptureQueriesContext(
        connection,
    ) as few:
        admin.get(URL)
    front = Network.objects.get(name="front")
    for number in range(30):
        join(factories.container(engine, f"more{number}"), front, f"10.2.1.{number}")
    with CaptureQueriesContext(connection) as many:
        admin.get(URL)
    assert len(many) == len(few) <= 14


def test_a_network_of_many_is_bounded_and_says_so(admin: Client, engine: Engine) -> None:
    front = Network.objects.get(name="front")
    for number in range(MOST_ROWS + 5):
        join(factories.container(engine, f"more{number}"), front, f"10.2.{1 + number // 250}.{number % 250}")
    text = admin.get(URL).content.decode()
    group = next(group for group in shown(engine).groups if group.net.name == "front")
    assert (len(group.rows), group.more) == (MOST_ROWS, 7)
    assert [row.name for row in group.rows[:2]] == ["web", "api"]
    assert "and 7 more: filter with network:front" in text
    assert f"{MOST_ROWS + 7} containers, folded" in text


def test_networks_and_map_lead_to_each_other(admin: Client, engine: Engine) -> None:
    assert URL.encode() in admin.get("/e/rocky/networks").content
    assert b'href="/e/rocky/networks"' in admin.get(URL).content


# ── the live check ──


CHECK = "/e/rocky/networks/reach"


def test_a_live_check_is_an_operation_of_a(admin: Client, engine: Engine) -> None:
    Endpoint.objects.filter(container__name="api").update(aliases=["backend"])
    answer = admin.post(f"{CHECK}?a=web&b=api&port=8000", headers={"HX-Request": "true"})
    assert answer.status_code == 204
    operation = Operation.objects.get()
    web, api = (Container.objects.get(name=name) for name in ("web", "api"))
    assert (operation.verb, operation.object_id, operation.state) == ("reach.check", web.container_id, "queued")
    assert operation.params == {
        "to": api.container_id,
        "names": ["api", "backend", api.short_id],
        "targets": ["10.2.0.3:8000", "10.3.0.2:8000"],
    }
    assert operation.command.startswith("docker container exec web nslookup api && docker container exec web nc ")
    without = admin.post(f"{CHECK}?a=api&b=web")
    assert without.status_code == 302
    assert without.headers["Location"].startswith(f"{URL}?")


@pytest.mark.parametrize(
    ("query", "status"), [("a=web", 422), ("a=web&b=nobody", 422), ("a=web&b=api&port=x", 422), ("a=old&b=api", 409)]
)
def test_what_cannot_be_checked_is_not_asked_for(admin: Client, engine: Engine, query: str, status: int) -> None:
    assert admin.post(f"{CHECK}?{query}", headers={"HX-Request": "true"}).status_code == status
    assert admin.post(f"{CHECK}?{query}").status_code == status
    assert not Operation.objects.exists()


def test_what_a_check_found_stands_beside_the_map(admin: Client, engine: Engine) -> None:
    web, api = (Container.objects.get(name=name) for name in ("web", "api"))
    found = {"names": [["api", True, HOSTILE]], "ports": [["10.2.0.3:80", False, "refused"], ["10.3.0.2:80", None, ""]]}
    Operation.objects.create(
        engine=engine, user_name="mika", verb="reach.check", kind="reach", object_id=web.container_id,
        params={"to": api.container_id}, state="succeeded", result=found,
    )  # fmt: skip
    text = admin.get(URL, {"a": "web", "b": "api"}).content.decode()
    for words in ("api resolves", "10.2.0.3:80 does not answer", "10.3.0.2:80 cannot be tested", "&lt;script&gt;"):
        assert words in text
    assert "resolves" not in admin.get(URL, {"a": "api", "b": "web"}).content.decode()


def test_who_may_run_nothing_is_offered_no_check(client: Client, engine: Engine) -> None:
    client.force_login(factories.user("vera", User.Role.VIEWER))
    assert "Live check" not in client.get(URL, {"a": "web", "b": "api"}).content.decode()
    assert "Connect…" not in client.get(URL, {"pin": "web"}).content.decode()
    assert client.post(f"{CHECK}?a=web&b=api").status_code == 403


def test_a_privileged_container_wants_the_right_to_the_host(admin: Client, engine: Engine) -> None:
    Container.objects.filter(name="web").update(details={"privileged": True})
    assert admin.post(f"{CHECK}?a=web&b=api", headers={"HX-Request": "true"}).status_code == 204  # an admin has it
