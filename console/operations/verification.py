"""Verifying a mirror on request: the differences between it and the engine, bounded and in plain values for a page."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any, Final

from console.models import Container, Engine, Image, Network, Volume
from console.sync.verify import Difference, verify

MOST: Final = 100  # differences kept of one verification
LONGEST: Final = 300  # characters of one value
AGAIN_AFTER: Final = 1.0  # seconds: what changes just now differs for a moment

_MODELS: Final = {"container": Container, "image": Image, "network": Network, "volume": Volume}


def verified(engine: Engine) -> dict[str, Any]:
    """Compare the mirror with the engine and return what ``Operation.result`` holds. Blocks; raises as ``verify``.

    Keys: ``note`` in words, ``took`` seconds, ``kinds`` {kind: [rows of the mirror, objects of the engine, differing
    objects]}, ``differences`` [{kind, id, name, field, mirrored, actual}, …], ``more``: how many are left out.
    A difference counts when it is there twice, a second apart.
    """
    began = time.monotonic()
    found = verify(engine)
    if found:
        time.sleep(AGAIN_AFTER)
        before = {_place(difference) for difference in found}
        found = [difference for difference in verify(engine) if _place(difference) in before]
    kinds = {kind: _numbers(engine, kind, found) for kind in _MODELS}
    objects = sum(row[1] for row in kinds.values())
    count = len(found)
    return {
        "note": f"{count} difference{'' if count == 1 else 's'} in {objects} object{'' if objects == 1 else 's'}",
        "took": round(time.monotonic() - began, 2),
        "kinds": kinds,
        "differences": [_plain(difference) for difference in found[:MOST]],
        "more": max(0, count - MOST),
    }


def _place(difference: Difference) -> tuple[str, str, str]:
    return difference.kind, difference.id, difference.field


def _numbers(engine: Engine, kind: str, found: list[Difference]) -> list[int]:
    mirror = _MODELS[kind]._base_manager.filter(engine=engine).count()
    mine = [difference for difference in found if difference.kind == kind]
    sides = Counter("mirror" if d.actual is None else "engine" for d in mine if not d.field)
    return [mirror, mirror - sides["mirror"] + sides["engine"], len({d.id for d in mine})]


def _plain(difference: Difference) -> dict[str, str]:
    return {
        "kind": difference.kind,
        "id": difference.id,
        "name": difference.name,
        "field": difference.field,
        "mirrored": _words(difference.mirrored),
        "actual": _words(difference.actual),
    }


def _words(value: Any) -> str:
    words = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"
