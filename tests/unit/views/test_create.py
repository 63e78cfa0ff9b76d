"""The form for a new container, as a browser without script uses it, and what is asked of a worker in the end."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from console.engine.command.flags import FLAGS
from console.engine.command.parse import parse
from console.models import Container, Engine, Operation, User
from console.operations.kinds.create_params import CreateParams
from console.operations.sealed import unseal
from console.pages.create_fields import GROUPS, MAIN, with_row, without_row
from tests import factories
from tests.rocky import rocky

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def engine() -> Engine:
    return rocky()


@pytest.fixture
def mika(client: Client) -> User:
    user = factories.user("mika")
    client.force_login(user)
    return user


def url(**query: str) -> str:
    return reverse("container-create", args=["rocky"], query=query)


def text_of(answer: Any, status: int = 200) -> str:
    text: str = answer.content.decode()
    assert answer.status_code == status, text
    return text


def test_every_option_stands_in_the_form_once() -> None:
    named = [*MAIN, *(name for _, names in GROUPS for name in names)]
    assert sorted(named) == sorted(flag.name for flag in FLAGS)


def test_a_viewer_gets_no_form(client: Client, engine: Engine) -> None:
    client.force_login(factories.user("vera", User.Role.VIEWER))
    assert client.get(url()).status_code == 403
    assert client.post(url(), {"image": "nginx", "do": "start"}).status_code == 403
    assert not Operation.objects.exists()


def test_a_new_form(client: Client, engine: Engine, mika: User) -> None:
    text = text_of(client.get(url()))
    assert 'name="image"' in text
    assert "things to fix" not in text
    for flag in FLAGS:
        assert f'id="f-{flag.name}"' in text or f'name="{flag.name}"' in text, flag.name


def test_a_pasted_command_fills_the_form(client: Client, engine: Engine, mika: User) -> None:
    line = "docker run -dit --name web -p 8099:80 -e TZ=Asia/Tokyo -e K=$HOME -v data:/data:ro --nonsense -m 64m nginx"
    text = text_of(client.post(url(), {"paste": line, "do": "read"}))
    for part in ('value="web"', 'value="8099"', 'value="80"', 'value="TZ=Asia/Tokyo"', 'value="K=$HOME"'):
        assert part in text, part
    assert 'value="data:/data:ro"' in text
    assert "--nonsense" in text
    assert "not an option" in text
    assert "known to the shell only" in text


def test_start_asks_for_the_operation(client: Client, engine: Engine, mika: User) -> None:
    data = {"image": "nginx", "name": "fresh", "env": ["A=1", ""], "detach": "true", "do": "start"}
    answer = client.post(url(), data)
    operation = Operation.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == reverse("operation", args=[operation.pk])
    assert operation.verb == "container.create"
    assert operation.object_name == "fresh"
    assert operation.command == "docker container run --name fresh -d -e A=1 nginx"
    assert operation.sealed == ""
    assert CreateParams.read(operation.params).spec == parse(operation.command).spec


def test_create_only_does_not_start(client: Client, engine: Engine, mika: User) -> None:
    client.post(url(), {"image": "nginx", "detach": "true", "do": "create"})
    assert Operation.objects.get().command == "docker container create nginx"


def test_secrets_are_sealed_and_never_in_the_row(client: Client, engine: Engine, mika: User) -> None:
    data = {"image": "nginx", "env": ["DB_PASSWORD=canary"], "do": "start"}
    client.post(url(), data)
    operation = Operation.objects.get()
    assert "canary" not in f"{operation.command}{operation.params}{operation.result}{operation.sealed}"
    whole = unseal(operation.sealed)
    assert whole is not None
    assert CreateParams.read(whole).spec.env[0].value == "canary"
    page = text_of(client.get(reverse("operation", args=[operation.pk])))
    assert "canary" not in page
    pane = text_of(client.post(url(), data | {"do": ""}, headers=HTMX))
    assert "canary" not in pane
    assert "DB_PASSWORD=" in pane


def test_a_viewer_does_not_see_the_command(client: Client, engine: Engine, mika: User) -> None:
    client.post(url(), {"image": "nginx", "env": ["TIER=canary-env"], "do": "start"})
    client.force_login(factories.user("vera", User.Role.VIEWER))
    page = text_of(client.get(reverse("operation", args=[Operation.objects.get().pk])))
    assert "canary-env" not in page


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"image": ""}, "The image is missing."),
        ({"image": "nginx", "name": "shop-api-1"}, "The name shop-api-1 is used by container"),
        ({"image": "nginx", "name": "-x"}, "a letter or digit first"),
        ({"image": "nginx", "memory": "1m"}, "The least that an engine allows is 6m."),
        ({"image": "nginx", "memory": "lots"}, "This is not a size"),
        ({"image": "nginx", "mount-type": "bind", "mount-source": "/srv", "mount-target": "usr/x"}, "path: /usr/x"),
        ({"image": "nginx", "volume": "data:rel"}, "Target must be an absolute path: /rel"),
        ({"image": "nginx", "network": "nowhere"}, "There is no network nowhere on"),
        ({"image": "gone:1", "pull": "never"}, "gone:1 is not on this engine"),
        ({"image": "nginx", "pid": "container:gone"}, "There is no container gone on"),
        ({"image": "nginx", "volumes-from": ["", "gone:ro"]}, "There is no container gone on"),
        ({"image": "nginx", "rm": "true", "restart": "always"}, "exclude each other"),
        ({"image": "nginx", "command": "echo 'x"}, "A quotation mark is not closed"),
        ({"image": "ng inx"}, "has no blanks"),
        ({"image": "nginx", "workdir": "srv"}, "absolute path: /srv"),
        ({"image": "nginx", "name": "x" * 500}, "At most 255 characters"),
        ({"image": "BusyBox"}, "A repository is lower case"),
        ({"image": "nginx:"}, "A tag has letters"),
        ({"image": "nginx", "env": ["KEPT=yes", "DB_PASSWORD=***"]}, "stands here for a secret"),
        ({"image": "nginx", "label": ["a"] * 501}, "At most 500 of them"),
        ({"image": "nginx", "command": "x" * 270_000}, "longer than 262,144 characters"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_lost(
    client: Client, engine: Engine, mika: User, data: dict[str, Any], said: str
) -> None:
    text = text_of(client.post(url(), {"env": "KEPT=yes", **data, "do": "start"}), 422)
    assert said in text.replace("&#x27;", "'")
    assert 'value="KEPT=yes"' in text
    assert not Operation.objects.exists()
    assert said in text_of(client.post(url(), data, headers=HTMX)).replace("&#x27;", "'")


def test_a_container_that_could_not_be_made_is_changed_in_its_form(client: Client, engine: Engine, mika: User) -> None:
    client.post(url(), {"image": "nginx", "name": "sick", "log-driver": "nope", "env": "DB_PASSWORD=x", "do": "create"})
    operation = Operation.objects.get()
    change = url(operation=str(operation.pk))
    page = reverse("operation", args=[operation.pk])
    assert change not in text_of(client.get(page))
    Operation.objects.update(state=Operation.State.FAILED)
    assert change in text_of(client.get(page))
    text = text_of(client.get(change))
    for part in ('value="sick"', 'value="nope"', 'value="nginx"', 'value="DB_PASSWORD=***"', "type it."):
        assert part in text, part
    for wrong in ("nonsense", "00000000-0000-0000-0000-000000000000", "\0"):
        assert client.get(url(operation=wrong)).status_code == 404


def test_a_port_that_is_taken_and_the_next_free_one(client: Client, engine: Engine, mika: User) -> None:
    row = Container.objects.filter(engine=engine, state="running").first()
    assert row is not None
    ports = [
        {"container_port": 80, "protocol": "tcp", "host_ip": "0.0.0.0", "host_port": port} for port in (9100, 9101)
    ]
    Container.objects.filter(pk=row.pk).update(ports=ports)
    data = {"image": "nginx", "publish-container": ["", "80"], "publish-host": ["", "9100"], "publish-ip": ["", ""]}
    text = text_of(client.post(url(), data, headers=HTMX))
    assert f"Port 9100 on 0.0.0.0 is published by {row.name}. Next free port: 9102." in text
    assert 'data-row-number="1"' in text
    assert "is published by" not in text_of(
        client.post(url(), data | {"publish-protocol": ["tcp", "udp"]}, headers=HTMX)
    )


def test_more_ports_than_there_are_is_said_and_none_is_counted(client: Client, engine: Engine, mika: User) -> None:
    """Each port of a range is an entry: 500 ranges of all ports would need 9 GB."""
    addresses = [f"10.0.{n // 250}.{1 + n % 250}" for n in range(60)]
    rows = {"publish-ip": addresses, "publish-host": ["1-65535"] * 60, "publish-container": ["1-65535"] * 60}
    began = time.process_time()
    text = text_of(client.post(url(), {"image": "nginx", "do": "start", **rows}), 422)
    assert "More than 65,536 ports" in text
    assert time.process_time() - began < 3
    one = {name: values[:1] for name, values in rows.items()}
    assert "More than" not in text_of(client.post(url(), {"image": "nginx", **one}, headers=HTMX))


def test_rows_come_and_go_without_script(client: Client, engine: Engine, mika: User) -> None:
    text = text_of(client.post(url(), {"image": "nginx", "env": ["A=1"], "do": "add:env"}))
    assert text.count('name="env"') == 2
    text = text_of(client.post(url(), {"image": "nginx", "env": ["A=1", "B=2"], "do": "drop:env:0"}))
    assert 'value="B=2"' in text
    assert 'value="A=1"' not in text
    assert with_row({}, "nonsense") == {}
    assert without_row({"env": ["A=1"]}, "env", 7) == {"env": ["A=1"]}
    for do in ("add:", "drop:env", "drop:env:x", "nonsense", "add:image"):
        text_of(client.post(url(), {"image": "nginx", "do": do}))


def test_an_image_offers_its_ports_and_volumes(client: Client, engine: Engine, mika: User) -> None:
    image = factories.image(engine, "offer:1")
    image.details |= {"exposed_ports": ["80/tcp"], "volumes": ["/data"], "env": [["DB_PASSWORD", "canary"]]}
    image.save()
    text = text_of(client.get(url(image="offer:1")))
    assert 'name="publish-container" value="80"' in text
    assert 'name="mount-target" value="/data"' in text
    assert "DB_PASSWORD" in text
    assert "canary" not in text


def test_who_lacks_host_may_not_reach_it(
    client: Client, engine: Engine, mika: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from console import access

    monkeypatch.setitem(access.ROLES, "admin", frozenset(access.VERBS) - {"host", "admin"})
    text = text_of(client.post(url(), {"image": "nginx", "privileged": "true", "do": "start"}), 422)
    assert "--privileged" in text
    assert not Operation.objects.exists()
    assert client.post(url(), {"image": "nginx", "do": "start"}).status_code == 302
