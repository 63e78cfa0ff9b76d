"""What an engine's row says to a reader: a mirror that nobody keeps is stale."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from console.models import Engine
from console.models.engines import SILENT

NOW, OLD = timedelta(0), SILENT + timedelta(seconds=5)  # ages


@pytest.mark.parametrize(
    ("state", "seen", "shown", "since", "why"),
    [
        ("live", NOW, "live", None, ""),
        ("live", OLD, "stale", OLD, "No worker looks after it."),
        ("live", None, "stale", None, "No worker looks after it."),
        ("new", None, "new", None, ""),
        ("stale", OLD, "stale", NOW, "It hangs."),
        ("unreachable", None, "unreachable", None, "It hangs."),
        ("swapped", OLD, "swapped", NOW, "It hangs."),
    ],
)
def test_state_as_shown(state: str, seen: timedelta | None, shown: str, since: timedelta | None, why: str) -> None:
    now = datetime.now(UTC)
    problem = state in ("stale", "unreachable", "swapped")
    stale_since = now if state in ("stale", "swapped") else None
    seen_at = None if seen is None else now - seen
    engine = Engine(state=state, seen_at=seen_at, stale_since=stale_since, error="It hangs." if problem else "")
    assert engine.shown_state == shown
    assert engine.shown_since == (None if since is None else now - since)
    assert engine.why_stale == why
    assert engine.stale is (shown in ("stale", "unreachable", "swapped"))
