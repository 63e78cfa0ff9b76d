"""Fixtures of all tests."""

from __future__ import annotations

import pytest
from django.db import connections
from hypothesis import HealthCheck, settings

from tests.engines import clean_engine, engine, engine_session, new_engine

__all__ = ["clean_engine", "engine", "engine_session", "new_engine"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """SQLite in a file, as in production: in memory the threads of one process lock each other out at once."""
    database = connections["default"]
    database.settings_dict["CONN_MAX_AGE"] = 0  # a thread that ends leaves nothing open
    if database.vendor == "sqlite":
        database.settings_dict["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


# How fast examples are made says what else the machine does, nothing about the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
