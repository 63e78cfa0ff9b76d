"""Fixtures of all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from asgiref.sync import SyncToAsync
from django.db import connections
from hypothesis import HealthCheck, settings

from tests import leavings
from tests.engines import clean_engine, engine, engine_session, new_engine

__all__ = ["clean_engine", "engine", "engine_session", "new_engine"]

# Files that take a minute or more, or have one test that takes half of that
LONG = (
    *("hanging_driver", "streams_of_a_console", "network_map", "all_pages", "recreate", "crashes", "verbs", "parity"),
    *("operations/test_networks", "test_logs", "lines", "change", "usage", "tutorial", "exactness", "grown", "copies"),
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files begin first, or the last of them is waited for alone (``--no-loadscope-reorder``)."""
    items.sort(key=lambda item: not item.path.as_posix().removesuffix(".py").endswith(LONG))


@pytest.fixture(scope="session", autouse=True)
def temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where this process and all that it starts keep temporary files; the run fails when one of them stays."""
    tmp_path_factory.getbasetemp()  # pytest's own is elsewhere, and kept
    with leavings.temporary_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """SQLite in a file, as in production: in memory the threads of one process lock each other out at once."""
    database = connections["default"]
    database.settings_dict["CONN_MAX_AGE"] = 0  # a thread that ends leaves nothing open
    if database.vendor == "sqlite":
        database.settings_dict["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")
    else:  # one for each process of pytest-xdist, on a private server (tools/services.py)
        database.settings_dict["TEST"]["NAME"] = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """The thread that tests ask the database in gives its connection back, or PostgreSQL keeps the database for it."""
    yield
    SyncToAsync.single_thread_executor.submit(connections.close_all).result()


# How fast examples are made says what else the machine does, nothing about the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
