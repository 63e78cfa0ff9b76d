"""What can be asked of an engine's swarm: begin one, leave it. After a crash the engine's own state tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from console.engine import swarm
from console.operations.network_params import SwarmInitParams, SwarmLeaveParams
from console.operations.verb import Verb
from console.operations.work import Work, WorkKind

Result = Mapping[str, Any]
ACTIVE: Final = frozenset({"active", "pending", "locked"})

VERBS: Final[tuple[Verb, ...]] = (
    Verb("swarm.init", "host", "Start a swarm", "Starting", "started", "server", "docker swarm init",
         params=SwarmInitParams, dialog=True, joined=" on "),
    Verb("swarm.leave", "host", "Leave the swarm", "Leaving", "left", "out", "docker swarm leave",
         params=SwarmLeaveParams, dialog=True, danger=True, joined=" with "),
)  # fmt: skip


def _init(work: Work) -> Result:
    params: SwarmInitParams = work.params
    work.keep(asked=True)
    swarm.init(work.client, params.advertise, params.port)
    return {"note": "is a manager of its own swarm now"}


def _begun(work: Work) -> Result | None:
    done = swarm.state(work.client) in ACTIVE
    return {"note": "is a manager of its own swarm now"} if done else _init(work)


def _leave(work: Work) -> Result:
    work.keep(asked=True)
    swarm.leave(work.client, work.params.force)
    return {"note": "has left the swarm"}


def _left(work: Work) -> Result | None:
    return _leave(work) if swarm.state(work.client) in ACTIVE else {"note": "has left the swarm"}


WORKS: Final[Mapping[str, WorkKind]] = {
    "swarm.init": WorkKind(_init, _begun),
    "swarm.leave": WorkKind(_leave, _left),
}
