"""A command as an operation: who may, what the row keeps, who waits for whom, what is never done twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from console import access
from console.models import Engine, Operation, User
from console.operations import job as jobs
from console.operations import sealed, store
from console.operations.exec_params import ExecParams
from console.operations.execute import Ran
from console.operations.facts import Facts
from console.operations.job import Job
from console.operations.perform import CALLS
from console.operations.request import Refused, request_operation, retry
from console.operations.runner import in_database, in_thread
from console.operations.status import busy_verbs
from console.operations.verbs import VERBS, right_for
from console.pages.operations import OperationList
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
State = Operation.State
SECRET = {"command": "psql", "env": "PGPASSWORD=canary"}


@pytest.fixture
def admin() -> User:
    return factories.user("admin")


@pytest.fixture
def engine() -> Engine:
    return factories.engine()


def ask(admin: User, engine: Engine, **params: Any) -> Operation:
    return request_operation(admin, engine, "container.exec", factories.hexid("start/nginx"), "nginx", params)


def test_the_row_keeps_no_secret_in_clear(admin: User, engine: Engine) -> None:
    made = ask(admin, engine, **SECRET)
    assert made.command == "docker container exec --env 'PGPASSWORD=***' nginx psql"
    row = Operation.objects.filter(pk=made.pk).values().get()
    assert "canary" not in str(row)
    whole = sealed.unseal(made.sealed)
    assert whole
    assert ExecParams.read(whole).env == ("PGPASSWORD=canary",)


def test_the_sealed_part_is_gone_before_the_engine_is_asked(admin: User, engine: Engine) -> None:
    ask(admin, engine, **SECRET)
    claimed = store.claim("w", 4, 4)[0]
    assert claimed.sealed
    store.note_before(claimed, {"facts": {}})
    assert Operation.objects.get().sealed == ""


def test_and_when_it_is_taken_out_of_the_queue(admin: User, engine: Engine) -> None:
    store.cancel(ask(admin, engine, **SECRET), "admin")
    assert Operation.objects.get().sealed == ""


def test_what_had_secrets_is_not_asked_for_again(admin: User, engine: Engine) -> None:
    made = ask(admin, engine, **SECRET)
    store.cancel(made, "admin")
    made.refresh_from_db()
    with pytest.raises(Refused, match="secrets were not kept"):
        retry(admin, made)


def test_a_seal_of_another_key_cannot_be_read(settings: Any) -> None:
    word = sealed.seal({"a": 1})
    settings.SECRET_KEY = "another"
    assert sealed.unseal(word) is None


def test_nobody_waits_for_a_command(admin: User, engine: Engine) -> None:
    command = ask(admin, engine, command="sleep 100")
    request_operation(admin, engine, "container.stop", command.object_id, "nginx")
    assert [operation.verb for operation in store.claim("w", 8, 8)] == ["container.stop"]  # the older one first
    assert busy_verbs(admin, engine, [command.object_id]) == {command.object_id: "container.stop"}


def test_a_command_waits_for_what_was_asked_before(admin: User, engine: Engine) -> None:
    stop = request_operation(admin, engine, "container.stop", factories.hexid("start/nginx"), "nginx")
    command = ask(admin, engine, command="ls")
    Operation.objects.filter(pk=stop.pk).update(created_at=timezone.now() - timedelta(seconds=9))
    assert [operation.pk for operation in store.claim("w", 8, 8)] == [stop.pk]
    Operation.objects.filter(pk=stop.pk).update(state=State.SUCCEEDED)
    assert [operation.pk for operation in store.claim("w", 8, 8)] == [command.pk]
    request_operation(admin, engine, "container.stop", command.object_id, "nginx")
    assert len(store.claim("w", 8, 8)) == 1  # beside the command that runs


def test_commands_leave_places_to_others(admin: User, engine: Engine) -> None:
    for number in range(6):
        ask(admin, engine, command=f"sleep 10{number}")
    assert len(store.claim("w", 6, 6)) == 4


async def perform(monkeypatch: pytest.MonkeyPatch, columns: dict[str, Any], call: Any) -> Operation:
    running = Facts(exists=True, name="nginx", state="running")
    monkeypatch.setattr(jobs, "look", lambda *arguments: running)
    monkeypatch.setattr(jobs, "patience", lambda *arguments: 0.0)
    monkeypatch.setitem(CALLS, "container.exec", call)

    class Clients:
        def of(self, engine: Engine) -> None:
            return None

    def prepare() -> Operation:
        made = ask(factories.user("admin"), factories.engine(), **SECRET)
        Operation.objects.filter(pk=made.pk).update(**columns)
        return store.claim("w", 4, 4)[0]

    operation = await sync_to_async(prepare)()
    await Job(operation, Clients(), in_thread, in_database).run()  # type: ignore[arg-type]
    return await Operation.objects.aget(pk=operation.pk)


async def test_it_is_done_with_its_secrets_and_its_output_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[ExecParams] = []

    def call(client: Any, container_id: str, params: ExecParams) -> Ran:
        seen.append(params)
        return Ran(3, (("stdout", "out"), ("stderr", "err")), 5)

    ended = await perform(monkeypatch, {}, call)
    assert (ended.state, ended.sealed) == (State.SUCCEEDED, "")
    assert ended.result == {"secrets": True, "note": "done with exit code 3", "exit_code": 3, "dropped": 5}
    assert seen[0].env == ("PGPASSWORD=canary",)
    kept = await sync_to_async(lambda: ended.output.parts)()
    assert kept == [["stdout", "out"], ["stderr", "err"]]


async def test_interrupted_it_is_unknown_and_never_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    before = {"facts": Facts(exists=True, name="nginx", state="running").to_json(), "called_at": "2026-01-01T00:00:00Z"}
    ended = await perform(monkeypatch, {"before": before}, lambda *arguments: calls.append(1))
    assert (ended.state, calls) == (State.UNKNOWN, [])


async def test_a_lost_key_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    ended = await perform(monkeypatch, {"sealed": "nonsense"}, lambda *arguments: calls.append(1))
    assert (ended.state, calls) == (State.FAILED, [])
    assert "secret key has changed" in ended.result["reason"]


# ── pages ──


@pytest.fixture
def done(admin: User, engine: Engine) -> Operation:
    """A command that has ended with output."""
    ask(admin, engine, command="cat /canary-path")
    claimed = store.claim("w", 4, 4)[0]
    store.finish(claimed, State.SUCCEEDED, "", {"note": "done with exit code 1", "exit_code": 1, "dropped": 2048},
                 [("stdout", "<b>canary-out</b>"), ("stderr", "canary-err")])  # fmt: skip
    return claimed


def test_the_page_shows_the_output_as_text(done: Operation, admin: User, client: Client) -> None:
    client.force_login(admin)
    page = client.get(reverse("operation", args=[done.pk])).content.decode()
    assert "Done with exit code 1." in page
    assert "&lt;b&gt;canary-out&lt;/b&gt;" in page
    assert '<span class="se" title="stderr">canary-err</span>' in page
    assert "were not kept" in page
    assert "Run a command in nginx" in page


def test_who_may_run_none_sees_neither_output_nor_command(done: Operation, client: Client) -> None:
    viewer = factories.user("viewer", User.Role.VIEWER)
    client.force_login(viewer)
    for address in (reverse("operation", args=[done.pk]), reverse("operations"), f"{reverse('operations')}?drawer"):
        assert "canary" not in client.get(address).content.decode(), address
    assert access.output_for(viewer, done) is None
    for query, found in (("q=command:canary", 0), ("q=nginx", 1)):
        assert OperationList(viewer, None, QueryDict(query)).page.paginator.count == found


def test_the_dialog_and_what_is_wrong_in_it(admin: User, engine: Engine, client: Client) -> None:
    container = factories.container(engine, "nginx")
    url = reverse("container-action", args=[engine.slug, container.container_id, "exec"])
    client.force_login(admin)
    assert "Run a command in nginx" in client.get(url, headers={"HX-Request": "true"}).content.decode()
    wrong = client.post(url, {"command": "echo 'x", "env": "A=keep me"}, headers={"HX-Request": "true"})
    assert wrong.status_code == 422
    for text in ("A quotation mark is not closed", "keep me", "echo &#x27;x"):
        assert text in wrong.content.decode()
    part = client.post(f"{url}?part=command", {"command": "ls | wc", "env": "TOKEN=canary"})
    assert "docker container exec --env &#x27;TOKEN=***&#x27; nginx ls &#x27;|&#x27; wc" in part.content.decode()
    assert "No shell reads this line" in part.content.decode()
    assert not Operation.objects.exists()
    asked = client.post(url, {"command": "ls /"}, headers={"HX-Request": "true"})
    made = Operation.objects.get()
    assert (asked.status_code, asked["HX-Redirect"]) == (202, reverse("operation", args=[made.pk]))
    assert made.params == {"words": ["ls", "/"], "user": "", "workdir": "", "env": [], "timeout": 60}


def test_it_is_for_one_container(admin: User, engine: Engine, client: Client) -> None:
    client.force_login(admin)
    answer = client.post(reverse("containers-bulk", args=[engine.slug]), {"verb": "exec", "id": "0" * 64})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("details", "binds", "right"),
    [
        ({}, [], "shell"),
        (
            {"privileged": False, "pid_mode": "", "cap_add": ["CAP_NET_BIND_SERVICE"], "devices": []},
            ["/srv/a"],
            "shell",
        ),
        ({}, ["/etc/localtime"], "shell"),
        ({"privileged": True}, [], "host"),
        ({"pid_mode": "host"}, [], "host"),
        ({"cap_add": ["NET_ADMIN", "CAP_SYS_ADMIN"]}, [], "host"),
        ({"cap_add": ["all"]}, [], "host"),
        ({"devices": ["/dev/sda"]}, [], "host"),
        ({}, ["/srv/a", "/var/run/docker.sock"], "host"),
        ({}, ["/"], "host"),
    ],
)
def test_a_container_that_reaches_the_host_wants_more(
    details: dict[str, Any],
    binds: list[str],
    right: str,
    engine: Engine,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(access.ROLES, User.Role.VIEWER.value, frozenset({"observe", "operate", "shell"}))
    client.force_login(factories.user("viewer", User.Role.VIEWER))
    Engine.objects.filter(pk=engine.pk).update(server_version="29.5.1")  # older ones want more for files in any case
    made = factories.container(engine, "box", details=details)
    for source in binds:
        made.mounts.create(type="bind", source=source, destination="/x")
    made.mounts.create(type="volume", source="/var/lib/docker/volumes/a/_data", destination="/y", volume_name="a")
    assert access.shell_right(made) == right
    assert right_for(VERBS["container.exec"], made) == right
    assert right_for(VERBS["container.stop"], made) == "operate"
    for name, args in (
        ("container-action", [made.container_id, "exec"]),
        ("container-terminal", ["box"]),
        ("container-files", ["box"]),
    ):
        status = client.get(reverse(name, args=[engine.slug, *args])).status_code
        assert status == (403 if right == "host" else 200), name


@pytest.mark.parametrize(
    ("options", "right"),
    [
        ({}, "shell"),
        ({"type": "none", "o": "bind", "device": "/srv/a"}, "shell"),
        ({"type": "nfs", "o": "addr=192.0.2.1", "device": ":/etc"}, "shell"),
        ({"type": "none", "o": "bind", "device": "/"}, "host"),
        ({"type": "none", "o": "bind,ro", "device": "/var/run/docker.sock"}, "host"),
    ],
)
def test_a_volume_that_is_a_folder_of_the_host_counts_as_one(
    options: dict[str, str], right: str, engine: Engine
) -> None:
    made = factories.container(engine, "box")
    factories.volume(engine, "data", options=options)
    made.mounts.create(type="volume", source="/var/lib/docker/volumes/data/_data", destination="/x", volume_name="data")
    assert access.shell_right(made) == right
