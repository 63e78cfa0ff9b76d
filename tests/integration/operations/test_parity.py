"""A pasted line makes in the browser what the docker CLI makes of it: equal containers, or a refusal by both.

For every option of ``docker container run``; what cannot be compared on an engine is said in ``run_lines``.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from console.engine.address import Address
from console.engine.client import EngineClient
from console.engine.command.check import unsupported
from console.engine.command.flags import FLAGS
from console.engine.command.form import values_of
from console.engine.command.parse import parse
from console.models import Engine, Operation, User
from console.sync import reconcile
from tests.engines import PrivateEngine
from tests.integration.engine import run_lines
from tests.integration.engine.run_lines import DAEMON, by_cli, by_us, listed, said
from tests.integration.operations.test_create import performed

LEAST = 170  # lines that make a container
READ_EVERY = 10  # so many lines are pasted into the form first, which is a large page
WINDOWS = {flag.name for flag in FLAGS if "Windows" in flag.remark}
REFUSED = "The form refused: "
MISSING = "Unable to find image"
# What the form refuses and the CLI does not: an option that an old engine drops silently, a network that is not there
STRICTER = ("needs an engine with API", "There is no network nowhere")


def mirror(row: Engine, engine: PrivateEngine) -> None:
    """The rows of what the engine has now, and what it says of itself."""
    with EngineClient(Address(engine.url)) as client:
        info = client.info()
        Engine.objects.filter(pk=row.pk).update(info=json.loads(json.dumps(asdict(info))))
        images: list[Any] = [client.image(summary.id, summary.intermediate) for summary in client.images()]
        reconcile.apply(row.pk, "container", [client.container(found.id) for found in client.containers()], fence=0)
        reconcile.apply(row.pk, "image", images, fence=0)
        reconcile.apply(row.pk, "network", client.networks(), fence=0)
        reconcile.apply(row.pk, "volume", client.volumes(), fence=0)


@pytest.fixture
def page(clean_engine: PrivateEngine, row: Engine, admin: User, client: Client, settings: Settings) -> Client:
    """A browser of somebody who may, and an engine with what the lines name."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    run_lines.prepare(clean_engine)
    mirror(row, clean_engine)
    client.force_login(admin)
    return client


def by_form(client: Client, slug: str, line: str, read: bool) -> tuple[str, str]:
    """The id of the container that the form makes of a pasted line, and what was said where it failed."""
    url = reverse("container-create", args=[slug])
    if read:
        assert client.post(url, {"paste": line, "do": "read"}).status_code == 200
    spec = parse(line).spec
    answer = client.post(url, {**values_of(spec), "do": "start" if spec.start else "create"})
    if answer.status_code == 422:
        return "", REFUSED + answer.content.decode()
    assert answer.status_code == 302, line
    ended = performed(Operation.objects.latest("created_at"))
    return str(ended.result.get("object_id", "")), ended.error or str(ended.result.get("reason", ""))


def expected_of(engine: PrivateEngine, line: str) -> tuple[dict[str, Any] | None, str]:
    """What the CLI makes of a line, and what it said where it failed."""
    theirs, failure = by_cli(engine, shlex.split(line)[1:])
    expected = run_lines.inspected(engine, theirs) if theirs else None
    if theirs:
        run_lines.remove(engine, theirs)
    return expected, failure


def got_of(engine: PrivateEngine, client: Client, slug: str, line: str, read: bool) -> tuple[Any, str, int]:
    """What the form makes of it, what was said, and how many containers there are more."""
    before = run_lines.names(engine)
    ours, words = by_form(client, slug, line, read)
    left = run_lines.names(engine) - before
    got = run_lines.inspected(engine, ours) if ours else None
    for container in left:
        run_lines.remove(engine, container)
    return got, words, len(left)


def said_before_the_engine(line: str, failure: str, version: str) -> bool:
    """Whether the form says too what the CLI refused by itself: too old an engine, or one of another system."""
    found = parse(line)
    if "running on windows" in failure:
        return any("Windows" in note.sentence for note in found.unmapped)
    return (
        bool(unsupported(found.spec, version)) or "--mac-address" in line
    )  # 20.10 takes it, this CLI does not send it


def same_words(engine: PrivateEngine, line: str, failure: str, words: str, version: str) -> bool:
    """Whether the engine refuses ours with the words that the CLI shows, and the form shows them or its own."""
    if MISSING in failure:
        return bool(words)  # both tried to pull it
    _, refusal = by_us(engine, line, version)
    return listed(refusal) == said(failure) and (words.startswith(REFUSED) or listed(words) == said(failure))


@pytest.mark.usefixtures("transactional_db")
def test_a_pasted_line_makes_what_the_cli_makes_of_it(clean_engine: PrivateEngine, row: Engine, page: Client) -> None:
    version = min(clean_engine.api_version, "1.50")
    equal: list[str] = []
    refused: list[str] = []
    different: list[str] = []
    for number, line in enumerate(run_lines.LINES):
        expected, failure = expected_of(clean_engine, line)
        if failure and DAEMON not in failure and MISSING not in failure:
            (refused if said_before_the_engine(line, failure, version) else different).append(line)
            continue
        got, words, left = got_of(clean_engine, page, row.slug, line, read=number % READ_EVERY == 0)
        if expected is None and got is None and same_words(clean_engine, line, failure, words, version):
            refused.append(line)
        elif expected is not None and got == expected and left == 1:
            equal.append(line)
        elif got is None and words.startswith(REFUSED) and any(reason in words for reason in STRICTER):
            refused.append(line)
        else:
            different.append(f"{line}: {words[:200]} {failure}")
    assert different == [], "\n".join(different)
    assert len(equal) + len(refused) == len(run_lines.LINES)
    assert len(equal) >= LEAST
    left_out = {option for line in run_lines.LINES for option in run_lines.options(line)}
    left_out -= {option for line in equal for option in run_lines.options(line)}
    assert left_out <= {*run_lines.NOT_EVERYWHERE, *WINDOWS}
