"""The questions that the mirror asks an engine: one object, or the list of a kind. They block; no database here."""

from __future__ import annotations

import logging
import time
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

from console.changes import Kind
from console.engine.canonical import digest
from console.engine.client import EngineClient
from console.engine.errors import EngineError, Malformed, Unreachable
from console.engine.types import Network, Unparsed, Volume
from console.sync.columns import Object

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listed:
    """What a list says: a digest of each entry by id, only to see whether something changed.

    ``unusable``: entries about which an inspect could not say more. ``intermediate``: images that only the full list
    of images has. ``resting``: containers that do not run; of these a list does not show every change.
    """

    digests: dict[str, str]
    unusable: Mapping[str, Unparsed] = field(default_factory=dict)
    intermediate: frozenset[str] = frozenset()
    resting: frozenset[str] = frozenset()


def inspect(client: EngineClient, kind: Kind, object_id: str, intermediate: bool = False) -> Object:
    """Ask for one object. An answer that cannot be understood is ``Unparsed``. Raises no other than ``EngineError``."""
    try:
        match kind:
            case "container":
                return client.container(object_id)
            case "image":
                return client.image(object_id, intermediate)
            case "network":
                return client.network(object_id)
            case _:
                return client.volume(object_id)
    except Malformed as error:
        return Unparsed(object_id, "", error.message)
    except EngineError:
        raise
    except Exception:
        logger.exception("What the engine %s says of %s %s was not understood", client.address.url, kind, object_id)
        return Unparsed(object_id, "", "The console could not read the engine's answer; its log says more.")


def inspect_some(
    client: EngineClient, keys: Sequence[tuple[Kind, str]], intermediate: Container[str], seconds: float
) -> list[Object | EngineError]:
    """Ask for objects one after the other until so many seconds have passed; return an answer for the first ones."""
    answers: list[Object | EngineError] = []
    end = time.monotonic() + seconds
    for kind, object_id in keys:
        try:
            answers.append(inspect(client, kind, object_id, object_id in intermediate))
        except EngineError as error:
            answers.append(error)
        if time.monotonic() > end:
            break
    return answers


def take_list(client: EngineClient, kind: Kind) -> Listed:
    """Ask for the list of a kind. Raises ``EngineError``."""
    match kind:
        case "container":
            containers = client.containers()
            return Listed(
                {found.id: found.digest for found in containers},
                resting=frozenset(found.id for found in containers if not found.running),
            )
        case "image":
            images = client.images()
            return Listed(
                {found.id: found.digest for found in images},
                intermediate=frozenset(found.id for found in images if found.intermediate),
            )
        case "network":
            return _digested(client.networks())
        case _:
            return _digested(_volumes(client))


def _volumes(client: EngineClient) -> list[Volume | Unparsed]:
    """The list of volumes; where a driver hangs, and the engine with it, those of its own driver alone.

    The others are marked then, as if they were gone, and the inspect of each says what became of it: so a driver that
    hangs costs its own volumes and nothing else.
    """
    try:
        return client.volumes()
    except Unreachable as error:
        if error.problem != "timeout":
            raise
        client.ping()
        return client.volumes(driver="local")


def _digested(entries: list[Network | Unparsed] | list[Volume | Unparsed]) -> Listed:
    """These lists say as much as an inspect; still it is an inspect that reaches the row."""
    digests: dict[str, str] = {}
    unusable: dict[str, Unparsed] = {}
    for found in entries:
        key = found.name if isinstance(found, Volume) else found.id
        digests[key] = digest(found)
        if isinstance(found, Unparsed):
            unusable[key] = found
    return Listed(digests, unusable)
