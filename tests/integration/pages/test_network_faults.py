"""What a real engine refuses of networks stands at the field that it is about, in its words, with what to do.

The worker's part is in tests/integration/operations/test_networks.py; here the engine is asked directly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from console.engine import networks
from console.engine.address import Address
from console.engine.client import EngineClient
from console.engine.errors import EngineError
from console.models import Engine, Operation
from console.operations.network_params import ConnectParams, CreateParams
from console.operations.params import Params
from console.operations.verbs import VERBS
from console.reads import swarm
from tests import factories
from tests.engines import PrivateEngine
from tests.integration.pages.mirroring import mirror

SLEEP = ("busybox", "sleep", "600")


@pytest.fixture
def inspector(clean_engine: PrivateEngine) -> Iterator[EngineClient]:
    with EngineClient(Address(clean_engine.url)) as client:
        yield client


@pytest.fixture
def row(clean_engine: PrivateEngine, db: None, client: Client) -> Engine:
    client.force_login(factories.user("admin"))
    return factories.engine("here", url=clean_engine.url)


def params_of(operation: Operation) -> Params:
    return VERBS[operation.verb].params.read(operation.params)


def refused(operation: Operation, error: EngineError) -> str:
    """The operation as a worker ends it; the engine's words."""
    operation.state, operation.error = Operation.State.FAILED, error.message
    operation.result = {"reason": "The engine refused."}
    operation.save()
    return error.message


# ── a new network ──


@pytest.mark.parametrize(
    ("form", "field", "words", "todo"),
    [
        ({"subnet": "172.30.5.0/24"}, "subnet-0", "overlaps", "choose a free one"),
        ({"driver": "macvlan", "parent": "nowhere0", "subnet": "10.7.0.0/24"}, "parent", "nowhere0", "ip link"),
        ({"driver": "macvlan", "parent": "up0", "subnet": "10.8.0.0/24"}, "parent", "already using", "VLAN id"),
        ({"driver": "overlay", "subnet": "10.9.0.0/24", "attachable": "1"}, "driver", "swarm", "Start a swarm first"),
        ({"bridge_name": "up0", "subnet": "172.28.0.0/16"}, "bridge_name", "not a bridge", "another name"),
    ],
)
def test_the_engines_words_stand_at_the_field_of_the_form(
    form: dict[str, str],
    field: str,
    words: str,
    todo: str,
    row: Engine,
    client: Client,
    clean_engine: PrivateEngine,
    inspector: EngineClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clean_engine.docker("network", "create", "--subnet", "172.30.0.0/16", "taken")  # which the mirror has not seen
    clean_engine.docker("network", "create", "-d", "macvlan", "-o", "parent=up0", "--subnet", "10.6.0.0/24", "lan")
    monkeypatch.setattr(swarm, "state", lambda engine: "active")  # it was, when the form was opened
    url = reverse("network-create", args=["here"])
    typed = {"driver": "bridge", "name": "my-net", "labels": "tier=web"} | form
    assert client.post(url, typed).status_code == 302
    operation = Operation.objects.get()
    params = params_of(operation)
    assert isinstance(params, CreateParams)
    with pytest.raises(EngineError) as caught:
        networks.create(inspector, params.spec)
    said = refused(operation, caught.value)
    assert words in said
    page = client.get(url, {"operation": str(operation.pk)})
    shown = page.context["form"].shown[field]
    assert said in shown
    assert todo in shown
    text = page.content.decode()
    assert 'aria-invalid="true"' in text or field == "driver"
    for name, value in typed.items():
        assert value in text, name
    assert clean_engine.docker("network", "ls", "-q", "--filter", "name=my-net") == ""


def test_what_is_wrong_in_itself_is_not_sent(row: Engine, client: Client) -> None:
    url = reverse("network-create", args=["here"])
    answer = client.post(url, {"driver": "bridge", "name": "my-net", "subnet": "172.29.0.0/16", "gateway": "10.0.0.1"})
    assert answer.status_code == 422
    assert answer.context["form"].shown["gateway-0"] == "10.0.0.1 lies in none of the subnets."
    answer = client.post(url, {"driver": "macvlan", "name": "my-net", "subnet": "172.29.0.0/16"})
    assert "such as eth0" in answer.context["form"].shown["parent"]
    assert not Operation.objects.exists()


# ── who is on it ──


@pytest.mark.parametrize(
    ("net", "form", "field", "words", "todo"),
    [
        ("my-net", {"ip": "172.30.0.9"}, "ip", "already in use", "Leave it empty"),
        ("my-net", {"ip": "172.31.0.9"}, "ip", "", "empty"),
        ("my-net", {"ip6": "fd00::9"}, "ip6", "", "An address"),
        ("plain", {"ip": "172.31.0.9"}, "ip", "user configured subnets", "given at their creation"),
        ("edge", {}, "network", "ipvlan", "has no ipvlan"),
    ],
)
def test_a_connection_that_is_refused(
    net: str,
    form: dict[str, str],
    field: str,
    words: str,
    todo: str,
    row: Engine,
    client: Client,
    clean_engine: PrivateEngine,
    inspector: EngineClient,
) -> None:
    docker = clean_engine.docker
    docker("network", "create", "--subnet", "172.30.0.0/16", "my-net")
    docker("network", "create", "plain")
    docker("network", "create", "-d", "ipvlan", "-o", "parent=up0", "--subnet", "10.9.0.0/24", "edge")
    docker("run", "-d", "--name", "first", "--network", "my-net", "--ip", "172.30.0.9", *SLEEP)
    late = docker("run", "-d", "--name", "late", *SLEEP)
    mirror(row, inspector)
    target = docker("network", "inspect", "-f", "{{.Id}}", net)
    url = reverse("network-action", args=["here", target, "connect"])
    assert client.post(url, {"container": late} | form, headers={"HX-Request": "true"}).status_code == 202
    operation = Operation.objects.get()
    params = params_of(operation)
    assert isinstance(params, ConnectParams)
    spec = params.spec(net)
    with pytest.raises(EngineError) as caught:
        networks.connect(inspector, target, spec)
    said = refused(operation, caught.value)
    assert words in said.lower()
    page = client.get(f"{url}?operation={operation.pk}")
    errors: dict[str, Any] = page.context["errors"]
    assert list(errors) == [field]
    assert said in errors[field]
    assert todo in errors[field]
    assert errors[field] in page.content.decode().replace("&#x27;", "'").replace("&quot;", '"')


def test_the_last_network_is_left_with_a_warning(
    row: Engine, client: Client, clean_engine: PrivateEngine, inspector: EngineClient
) -> None:
    made = clean_engine.docker("run", "-d", "--name", "alone", *SLEEP)
    mirror(row, inspector)
    bridge = clean_engine.docker("network", "inspect", "-f", "{{.Id}}", "bridge")
    url = reverse("network-action", args=["here", bridge, "disconnect"])
    text = client.get(url, {"container": made}).content.decode()
    assert "It is its last network: afterwards it reaches only itself." in text
    assert "Connect it to another one first" in text
    networks.disconnect(inspector, bridge, made)
    mirror(row, inspector)
    assert clean_engine.docker("inspect", "-f", "{{len .NetworkSettings.Networks}}", "alone") == "0"
    page = client.get(reverse("network-map", args=["here"])).content.decode()
    assert "no network" in page
    with pytest.raises(EngineError) as caught:  # once more, which the page does not offer
        networks.disconnect(inspector, bridge, made)
    assert "is not connected" in caught.value.message
    on_host = clean_engine.docker("run", "-d", "--name", "on-host", "--network", "host", *SLEEP)
    mirror(row, inspector)
    host = clean_engine.docker("network", "inspect", "-f", "{{.Id}}", "host")
    assert f"{host}/disconnect?container={on_host}" not in client.get("/e/here/networks/host/").content.decode()


def test_a_removal_names_who_uses_it_and_who_was_made_for_it(
    row: Engine, client: Client, clean_engine: PrivateEngine, inspector: EngineClient
) -> None:
    net = clean_engine.docker("network", "create", "my-net")
    clean_engine.docker("run", "-d", "--name", "user", "--network", "my-net", *SLEEP)
    mirror(row, inspector)
    url = reverse("network-action", args=["here", net, "remove"])
    answer = client.post(url)
    assert answer.status_code == 422
    assert answer.context["errors"]["use"] == "In use by user: disconnect first."
    with pytest.raises(EngineError) as caught:
        networks.remove(inspector, net)
    assert "active endpoints" in caught.value.message
    clean_engine.docker("kill", "user")
    mirror(row, inspector)
    assert "Stopped and made for it: user. It does not start any more." in client.get(url).content.decode()
    networks.remove(inspector, net)
    with pytest.raises(EngineError) as caught:
        inspector.start("user")
    assert_advised(row, client, caught.value, "recreate it on another one")


# ── a container that cannot be put on its networks ──


def assert_advised(row: Engine, client: Client, error: EngineError, todo: str) -> None:
    """The page of the failed start has the engine's words, and what to do."""
    operation = Operation.objects.create(
        engine=row, user_name="admin", verb="container.start", object_name="user", command="docker container start user"
    )
    said = refused(operation, error)
    page = client.get(reverse("operation", args=[operation.pk]))
    assert todo in page.context["headline"][2]
    assert said in page.content.decode().replace("&quot;", '"').replace("&#x27;", "'")


@pytest.mark.parametrize(
    ("arguments", "todo"),
    [
        (("--network", "edge"), "has no ipvlan"),
        (("--network", "my-net", "--ip", "172.30.0.9"), "disconnect one of them"),
        (("-p", "8080:80"), "publish another port"),
    ],
)
def test_a_start_that_is_refused_says_what_to_do(
    arguments: tuple[str, ...],
    todo: str,
    row: Engine,
    client: Client,
    clean_engine: PrivateEngine,
    inspector: EngineClient,
) -> None:
    docker = clean_engine.docker
    docker("network", "create", "--subnet", "172.30.0.0/16", "my-net")
    docker("network", "create", "-d", "ipvlan", "-o", "parent=up0", "--subnet", "10.9.0.0/24", "edge")
    docker("run", "-d", "--name", "first", "--network", "my-net", "--ip", "172.30.0.9", "-p", "8080:80", *SLEEP)
    made = docker("create", "--name", "user", *arguments, *SLEEP)
    with pytest.raises(EngineError) as caught:
        inspector.start(made)
    assert_advised(row, client, caught.value, todo)
