"""The container that was there before: kept with the operation that replaced it, compressed and encrypted.

Its inspect holds secrets; nobody reads them from the database, and no page shows them.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import ValidationError

from console.engine.command.again import Source
from console.models import Engine, Operation
from console.operations.sealed import seal, unseal

NOTE: Final = "earlier"  # among the notes of the operation
LARGEST: Final = 8 * 1024 * 1024  # bytes of JSON


def packed(source: Source) -> str:
    """One unreadable word."""
    text = json.dumps(source.to_json(), separators=(",", ":")).encode()
    return seal({"z": base64.b64encode(zlib.compress(text, 9)).decode()})


def unpacked(word: str) -> Source | None:
    """What ``packed`` was given; None when it cannot be read: the secret key of the console has changed."""
    values = unseal(word) if word else None
    if not values:
        return None
    found = zlib.decompressobj().decompress(base64.b64decode(str(values.get("z", ""))), LARGEST)
    return Source.read(json.loads(found))


def of(operation: Operation) -> Source | None:
    """The container that ``operation`` replaced, if that was kept."""
    kept: Mapping[str, Any] = operation.before.get("kept", {}) if isinstance(operation.before, dict) else {}
    return unpacked(str(kept.get(NOTE, "")))


def find(engine: Engine, reference: str, name: str) -> Source | None:
    """What an operation replaced, if its container has that name on that engine. Asks the database."""
    try:
        operation = Operation.objects.filter(engine=engine, verb="container.recreate", pk=reference).first()
    except ValidationError:
        return None
    if operation is None or name not in {operation.object_name, operation.before.get("kept", {}).get("new")}:
        return None
    return of(operation)
