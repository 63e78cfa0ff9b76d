"""Making networks and changing who is on them, without an engine: forms, dialogs, what is asked for."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from console import access, masks
from console.models import Operation, User
from console.operations.network_params import CreateParams
from console.operations.sealed import unseal
from console.reads import swarm
from tests import factories

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def here(client: Client) -> Any:
    engine = factories.engine("here")
    client.force_login(factories.user())
    return engine


def create(client: Client, **data: Any) -> Any:
    return client.post(reverse("network-create", args=["here"]), {"driver": "bridge"} | data)


def test_it_is_asked_for_and_shown_while_it_is_made(client: Client, here: Any) -> None:
    answer = create(client, name="my-net", subnet="172.30.0.0/16", gateway="172.30.0.1", icc="1", masquerade="1")
    operation = Operation.objects.get()
    assert operation.verb == "network.create"
    assert operation.command == (
        "docker network create --driver bridge --subnet 172.30.0.0/16 --gateway 172.30.0.1 my-net"
    )
    assert answer.status_code == 302
    page = client.get(answer["Location"])
    assert page.status_code == 200
    assert "Creating my-net" in page.content.decode()


def test_the_refusal_stands_at_its_field_and_nothing_is_lost(client: Client, here: Any) -> None:
    create(client, name="my-net", subnet="172.30.0.0/16", range="172.30.5.0/24", options="a=b", internal="1")
    words = "Pool overlaps with other one on this address space"
    Operation.objects.update(state="failed", error=words, result={"reason": "The engine refused."})
    page = client.get(reverse("network-create", args=["here"]), {"operation": str(Operation.objects.get().pk)})
    text = page.content.decode()
    form = page.context["form"]
    assert words in form.shown["subnet-0"]
    assert 'aria-invalid="true" aria-describedby="line-0-errors"' in text
    assert form.typed.lines == (("172.30.0.0/16", "", "172.30.5.0/24"),)
    assert (form.typed.options, form.typed.internal, form.typed.icc) == ("a=b", True, False)


def test_secrets_of_labels_and_options_are_not_kept_in_the_open(client: Client, here: Any) -> None:
    shown = create(client, name="my-net", labels="db_password=s3cret\ntier=web", part="side").content.decode()
    assert "db_password=***" in shown
    create(client, name="my-net", labels="db_password=s3cret\ntier=web", options="api_token=s3cret")
    made = Operation.objects.get()
    assert "s3cret" not in f"{made.command} {made.params} {made.result}"
    assert "tier=web" in made.command
    assert unseal(made.sealed) is not None
    assert "s3cret" in str(unseal(made.sealed))
    here_again = (reverse("network-create", args=["here"]), {"operation": str(made.pk)})
    assert client.get(*here_again).context["form"].notes == [], "while it is made nothing has to be typed again"
    Operation.objects.update(state="failed", error="no", sealed="")
    form = client.get(*here_again).context["form"]
    assert (form.typed.labels, form.typed.options) == ("db_password\ntier=web", "api_token")
    assert "type it again" in form.notes[0]


@pytest.mark.parametrize(
    ("field", "data"),
    [
        ("parent", {"driver": "macvlan", "parent": "eth0"}),
        ("parent", {"driver": "ipvlan", "parent": "eth0"}),
        ("parent", {"driver": "macvlan", "internal": "1", "options": "parent=eth0"}),
        ("bridge_name", {"bridge_name": "br0"}),
        ("bridge_name", {"options": "com.docker.network.bridge.name=br0"}),
    ],
)
def test_an_interface_of_the_host_needs_the_right(
    field: str, data: dict[str, str], client: Client, here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert create(client, name="lan", **data).status_code == 302
    Operation.objects.all().delete()
    monkeypatch.setitem(access.ROLES, "admin", frozenset(access.VERBS) - {"host", "admin"})
    answer = create(client, name="lan", **data)
    assert answer.status_code == 422
    assert "right “host”" in answer.context["form"].shown[field]
    assert not Operation.objects.exists()
    assert create(client, name="lan").status_code == 302


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ("no matching subnet for gateway 10.0.0.1", "gateway-0"),
        ("the requested parent interface up9 was not found on the Docker host", "parent"),
        ("network with name x already exists", "name"),
        ("This node is not a swarm manager. Use docker swarm init", "driver"),
        ("invalid network config: subnet", "subnet-0"),
        ('plugin "nosuchdriver" not found', "driver"),  # after 15 s of looking for it
        ("could not find an available, non-overlapping IPv4 address pool among the defaults", "subnet-0"),
    ],
)
def test_words_of_engines_find_their_field(words: str, field: str) -> None:
    from console.pages.network_form import _REFUSALS
    from console.pages.refusals import field_of

    assert field_of(_REFUSALS, words)[0] == field


def test_what_can_be_seen_here_is_not_sent(client: Client, here: Any) -> None:
    factories.network(here, "taken")  # 172.17.0.0/16
    answer = create(client, name="taken", subnet="172.17.5.0/24", gateway="172.18.0.1")
    assert answer.status_code == 422
    errors = answer.context["form"].shown
    assert set(errors) == {"name", "subnet-0", "gateway-0"}
    assert "taken (172.17.0.0/16)" in errors["subnet-0"]
    assert "Use 172.18.0.0/16" in answer.content.decode()
    assert not Operation.objects.exists()


def test_a_masked_secret_is_refused_at_its_field(client: Client, here: Any) -> None:
    paste = "docker network create --opt api_token=*** --opt x=http://bob:***@nas/ --label db_password=*** my-net"
    typed = create(client, read="1", paste=paste).context["typed"]
    for field in ("options", "labels"):
        answer = create(client, name="my-net", **{field: getattr(typed, field)})
        assert (answer.status_code, answer.context["form"].shown) == (422, {field: masks.NOT_COPIED})
    assert not Operation.objects.exists()
    assert create(client, name="my-net", options="", labels="stars=***\ntier=***").status_code == 302
    spec = Operation.objects.get().params["spec"] | {"label": [["db_password", "***"]]}
    assert CreateParams.read({"spec": spec}).spec.label == (("db_password", "***"),), "what is kept can be read again"


def test_drivers_lines_and_pasted_commands_change_the_form(client: Client, here: Any) -> None:
    answer = create(client, name="x", pick="macvlan", subnet="10.0.0.0/8")
    assert (answer.context["typed"].driver, answer.context["typed"].name) == ("macvlan", "x")
    assert 'name="parent"' in answer.content.decode()
    answer = create(client, add="1", subnet="10.0.0.0/8")
    assert len(answer.context["form"].lines) == 2
    answer = create(client, free="172.17.0.0/16", subnet="172.17.0.0/16")
    assert answer.context["form"].lines[0].subnet == "172.18.0.0/16"
    answer = create(client, read="1", paste="docker network create -d macvlan -o parent=eth0 --foo lan")
    assert (answer.context["typed"].name, answer.context["typed"].parent) == ("lan", "eth0")
    assert "--foo" in answer.content.decode()


def test_the_command_follows_what_is_typed(client: Client, here: Any) -> None:
    answer = client.post(reverse("network-create", args=["here"]) + "?part=side", {"driver": "bridge", "name": "a b"})
    assert answer.templates[0].name == "networks/_create_side.html"
    assert "&#x27;a b&#x27;" in answer.content.decode()


def test_overlay_offers_a_swarm_and_keeps_what_was_typed(
    client: Client, here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swarm, "state", lambda engine: "inactive")
    answer = create(client, driver="overlay", name="mesh", attachable="1")
    assert answer.status_code == 422
    assert "not in a swarm" in answer.content.decode()
    answer = create(client, driver="overlay", name="mesh", swarm="init", advertise="192.0.2.4", port="1")
    assert "1024" in answer.context["form"].swarm_errors["port"]
    answer = create(client, driver="overlay", name="mesh", swarm="init", advertise="192.0.2.4")
    operation = Operation.objects.get()
    assert (operation.verb, operation.command) == ("swarm.init", "docker swarm init --advertise-addr 192.0.2.4")
    assert answer.context["typed"].name == "mesh"
    assert str(operation.pk) in answer.content.decode()
    monkeypatch.setattr(swarm, "state", lambda engine: "active")
    create(client, driver="overlay", name="mesh", attachable="1", encrypted="1")
    made = Operation.objects.get(verb="network.create")
    assert made.command == "docker network create --driver overlay --attachable --opt encrypted mesh"


def test_connect_disconnect_remove(client: Client, here: Any) -> None:
    net, web, db = factories.network(here, "my-net"), factories.container(here, "web"), factories.container(here, "db")
    factories.endpoint(db, net, endpoint_id="e" * 64)
    url = reverse("network-action", args=["here", net.network_id, "connect"])
    page = client.get(url, headers=HTMX).content.decode()
    assert web.container_id in page
    assert db.container_id not in page  # it is there already
    wrong = client.post(url, {"container": web.container_id, "ip": "x"}, headers=HTMX)
    assert wrong.status_code == 422
    assert "not an IPv4 address" in wrong.content.decode()
    part = client.post(f"{url}?part=command", {"container": web.container_id, "alias": "www"}, headers=HTMX)
    assert "docker network connect --alias www my-net web" in part.content.decode()
    assert client.post(url, {"container": web.container_id, "alias": "www"}, headers=HTMX).status_code == 202
    assert Operation.objects.get().params["container"] == web.container_id
    url = reverse("network-action", args=["here", net.network_id, "disconnect"])
    assert "its last network" in client.get(f"{url}?container={db.container_id}", headers=HTMX).content.decode()
    assert client.post(url, {"container": db.container_id}, headers=HTMX).status_code == 202
    assert Operation.objects.get(verb="network.disconnect").command == "docker network disconnect my-net db"
    url = reverse("network-action", args=["here", net.network_id, "remove"])
    used = client.post(url, headers=HTMX)
    assert (used.status_code, "In use by db" in used.content.decode()) == (422, True)
    db.endpoints.all().delete()
    assert client.post(url, headers=HTMX).status_code == 202
    assert Operation.objects.filter(verb="network.remove").count() == 1


def test_from_the_page_of_a_container(client: Client, here: Any) -> None:
    net, web = factories.network(here, "my-net"), factories.container(here, "web")
    url = reverse("container-connect", args=["here", web.container_id])
    assert net.network_id in client.get(url, headers=HTMX).content.decode()
    assert client.post(url, {}, headers=HTMX).status_code == 422
    assert client.post(url, {"network": net.network_id, "ip": "172.17.0.9"}, headers=HTMX).status_code == 202
    assert Operation.objects.get().command == "docker network connect --ip 172.17.0.9 my-net web"


def test_a_refused_connection_comes_back_to_its_form(client: Client, here: Any) -> None:
    net, web = factories.network(here, "my-net"), factories.container(here, "web")
    url = reverse("network-action", args=["here", net.network_id, "connect"])
    client.post(url, {"container": web.container_id, "ip": "172.17.0.9"}, headers=HTMX)
    Operation.objects.update(state="failed", error="Address already in use", result={"reason": "The engine refused."})
    operation = Operation.objects.get()
    assert f"{url}?operation={operation.pk}" in client.get(reverse("operation", args=[operation.pk])).content.decode()
    page = client.get(f"{url}?operation={operation.pk}")
    assert "Address already in use" in page.context["errors"]["ip"]
    assert page.context["typed"]["ip"] == "172.17.0.9"


def test_its_page_leads_to_the_map(client: Client, here: Any) -> None:
    net, web = factories.network(here, "my-net"), factories.container(here, "web")
    factories.endpoint(web, net, endpoint_id="e" * 64)
    factories.container(here, "elsewhere")
    detail = client.get(reverse("network", args=["here", net.name])).context["detail"]
    assert detail.map_url == "/e/here/networks/map?q=network%3Amy-net"
    page = client.get(detail.map_url).content.decode()
    assert ">web<" in page
    assert ">elsewhere<" not in page


def test_the_engines_own_stay(client: Client, here: Any) -> None:
    net = factories.network(here, "bridge")
    url = reverse("network-action", args=["here", net.network_id, "remove"])
    assert client.post(url, headers=HTMX).status_code == 409
    assert not Operation.objects.exists()


def test_who_may_not_sees_no_buttons(client: Client, here: Any) -> None:
    net = factories.network(here, "my-net")
    client.force_login(factories.user("viewer", User.Role.VIEWER))
    text = client.get(reverse("network", args=["here", net.name])).content.decode()
    assert "Connect container" not in text
    assert "Create network" not in client.get(reverse("networks", args=["here"])).content.decode()
    assert client.get(reverse("network-create", args=["here"])).status_code == 403


def test_tokens_are_for_admins_and_written_down(client: Client, here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from console.models import AuditEntry

    monkeypatch.setattr(swarm, "token", lambda engine, role: (f"SWMTKN-{role}", "192.0.2.4:2377"))
    url = reverse("swarm-token", args=["here"])
    answer = client.post(url, {"key": "manager"}, headers=HTMX)
    assert "SWMTKN-manager" in answer.content.decode()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.detail) == ("swarm.token.reveal", {"role": "manager"})
    assert client.post(url, {"key": "root"}, headers=HTMX).status_code == 404


@pytest.mark.parametrize("value", ["²", "\x00", "٣", "9" * 5000, "a\x00b", "\u202e"])
def test_no_input_is_a_fault(value: str, client: Client, here: Any) -> None:
    net, web = factories.network(here, "my-net"), factories.container(here, "web")
    fields = ("name", "subnet", "gateway", "range", "aux", "parent", "vlan", "mode", "options", "labels", "bridge_name")
    for driver in ("bridge", "macvlan", value):
        answer = create(client, **({"driver": driver} | dict.fromkeys(fields, value)))
        assert answer.status_code == 422
    for more in ("read", "free", "drop", "pick", "add"):
        assert create(client, paste=value, **{more: value}).status_code == 200
    for short in ("connect", "disconnect"):
        url = reverse("network-action", args=["here", net.network_id, short])
        assert client.post(url, dict.fromkeys(("container", "ip", "ip6", "alias"), value)).status_code == 422
    url = reverse("container-connect", args=["here", web.container_id])
    assert client.post(url, {"network": value}).status_code == 422
    url = reverse("swarm-action", args=["here", "init"])
    assert client.post(url, {"advertise": value, "port": value}).status_code == 422
    assert not Operation.objects.exists()
