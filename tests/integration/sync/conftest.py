"""The mirror of a real engine, for tests that say what must appear in it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.engines import PrivateEngine
from tests.integration.sync.following import Following, following


@pytest.fixture
async def mirror(transactional_db: None, clean_engine: PrivateEngine) -> AsyncIterator[Following]:
    """A worker that follows the shared engine."""
    async with following(clean_engine) as made:
        yield made


@pytest.fixture(autouse=True)
def quiet_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """An error in the console's log fails the test."""
    yield
    errors = [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR]
    assert not errors, [record.getMessage() for record in errors]
