"""Broken requests are a line in the log."""

from __future__ import annotations

import logging

import pytest
from django.core.exceptions import BadRequest, TooManyFieldsSent
from django.db import OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError

from console.loglines import NoTracebackOfRefusals
from console.settings import LOGGING


def shown(error: Exception) -> str:
    try:
        raise error
    except Exception as caught:
        record = logging.LogRecord("django.request", logging.ERROR, __file__, 1, "it came", (), None)
        record.exc_info = (type(caught), caught, caught.__traceback__)
    assert NoTracebackOfRefusals().filter(record)
    return logging.Formatter("%(message)s").format(record)


@pytest.mark.parametrize("error", [BadRequest("not UTF-8"), TooManyFieldsSent("too many")])
def test_a_refused_request_is_one_line(error: Exception) -> None:
    assert shown(error) == "it came"


def test_a_failure_keeps_its_traceback() -> None:
    assert "ValueError: ours" in shown(ValueError("ours"))
    assert "OperationalError: no such table" in shown(OperationalError("no such table: x"))


def test_an_outage_is_one_line_with_its_cause() -> None:
    assert shown(OperationalError("database is\nlocked")) == "it came: database is locked"
    assert shown(RedisConnectionError("refused")) == "it came: refused"


def test_what_the_console_prints_is_filtered() -> None:
    assert LOGGING["handlers"]["stderr"]["filters"] == ["refusals"]
    assert LOGGING["filters"]["refusals"]["()"] == f"{NoTracebackOfRefusals.__module__}.NoTracebackOfRefusals"
