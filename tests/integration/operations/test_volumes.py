"""Removing volumes on a real engine; the docker command line is the witness."""

from __future__ import annotations

import pytest

from console.models import Engine, Operation, User
from console.operations.claim import CRASH_POINTS
from console.operations.request import request_operation
from tests.dying_workers import Workers
from tests.engines import PrivateEngine
from tests.integration.operations.conftest import fresh


def test_refused_while_in_use_then_gone(
    row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine
) -> None:
    clean_engine.docker("volume", "create", "vm1")
    clean_engine.docker("create", "--name", "web", "-v", "vm1:/home", "busybox", "true")
    asked = request_operation(admin, row, "volume.remove", "vm1", "vm1")
    assert workers.run(asked.pk, "", "worker") == 0
    refused = fresh(asked)
    assert refused.state == Operation.State.FAILED
    assert "volume is in use" in refused.error
    clean_engine.docker("rm", "web")
    asked = request_operation(admin, row, "volume.remove", "vm1", "vm1")
    assert workers.run(asked.pk, "", "worker") == 0
    assert fresh(asked).state == Operation.State.SUCCEEDED
    assert "vm1" not in clean_engine.docker("volume", "ls", "--quiet").split()


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_killed_anywhere_it_is_gone_once(
    point: str, row: Engine, admin: User, workers: Workers, clean_engine: PrivateEngine
) -> None:
    clean_engine.docker("volume", "create", "vm1")
    asked = request_operation(admin, row, "volume.remove", "vm1", "vm1")
    workers.run(asked.pk, point, "first")
    assert workers.run(asked.pk, "", "second") == 0
    assert fresh(asked).state == Operation.State.SUCCEEDED
    assert "vm1" not in clean_engine.docker("volume", "ls", "--quiet").split()
