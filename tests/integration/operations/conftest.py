"""The clean engine as a row, with a person who may act on it."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connections

from console.models import Engine, Operation, User
from tests import factories, leavings
from tests.dying_workers import Workers
from tests.engines import PrivateEngine

POLITE = "trap 'exit 0' TERM; trap : HUP; while :; do sleep 0.1; done"
STUBBORN = "trap : TERM HUP; while :; do sleep 0.1; done"


@pytest.fixture
def admin(transactional_db: None) -> User:
    return factories.user("admin")


@pytest.fixture
def row(clean_engine: PrivateEngine, transactional_db: None) -> Engine:
    return factories.engine(url=clean_engine.url, engine_id=clean_engine.get("/info")["ID"])


@pytest.fixture(scope="session")
def forge(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """The process that makes the workers of all tests."""
    made = Workers(str(connections["default"].settings_dict["NAME"]), tmp_path_factory.mktemp("workers"))
    yield made
    made.end()


@pytest.fixture
def workers(transactional_db: None, tmp_path: Path, forge: Workers) -> Iterator[Workers]:
    """Workers with a data folder of the test's own."""
    forge.data = tmp_path
    yield forge
    leavings.check_data(tmp_path)


@pytest.fixture
def make(clean_engine: PrivateEngine) -> Callable[..., str]:
    """Makes a container of busybox; ``state`` created, running, paused or exited; gives its full id."""

    def container(name: str, script: str = POLITE, state: str = "running", *options: str) -> str:
        made = clean_engine.docker("create", "--name", name, *options, "busybox", "sh", "-c", script)
        if state != "created":
            clean_engine.docker("start", made)
        if state == "paused":
            clean_engine.docker("pause", made)
        if state == "exited":
            clean_engine.docker("kill", made)
            clean_engine.docker("wait", made)
        return made

    return container


@pytest.fixture
def happened(clean_engine: PrivateEngine) -> Callable[[str], Counter[str]]:
    """Counts the engine's events of one container, by action."""

    def count(container_id: str) -> Counter[str]:
        filters = quote(json.dumps({"container": [container_id]}))
        lines = clean_engine.call("GET", f"/events?since=0&until={time.time():.3f}&filters={filters}")
        return Counter(json.loads(line)["Action"] for line in lines.splitlines() if line.strip())

    return count


def fresh(operation: Operation) -> Operation:
    """The row as it is now."""
    return Operation.objects.get(pk=operation.pk)
