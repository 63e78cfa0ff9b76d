"""What can be asked of networks: create, connect, disconnect, remove.

After a crash each looks first: a network that stands, a container that is on it or not, tells whether it was done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from console.engine import networks
from console.engine.command.network import ConnectNetwork
from console.engine.errors import EngineError, NotFound
from console.operations.network_params import ConnectParams, CreateParams, DisconnectParams, RemoveNetworkParams
from console.operations.verb import Verb
from console.operations.work import Work, WorkFailed, WorkKind

Result = Mapping[str, Any]

VERBS: Final[tuple[Verb, ...]] = (
    Verb("network.create", "deploy", "Create", "Creating", "created", "net", "docker network create",
         params=CreateParams, joined=" network ", part="networks/_operation.html"),
    Verb("network.connect", "deploy", "Connect", "Connecting", "connected", "link", "docker network connect",
         params=ConnectParams, dialog=True, joined=" a container to ", part="networks/_operation.html"),
    Verb("network.disconnect", "deploy", "Disconnect", "Disconnecting", "disconnected", "x",
         "docker network disconnect", params=DisconnectParams, dialog=True, danger=True, joined=" a container from "),
    Verb("network.remove", "deploy", "Remove", "Removing", "removed", "trash", "docker network rm",
         params=RemoveNetworkParams, dialog=True, danger=True, joined=" network "),
)  # fmt: skip


def _create(work: Work) -> Result:
    spec = work.params.spec
    before = networks.named(work.client, spec.name)
    if before:
        raise WorkFailed("The name is taken.", f"network with name {spec.name} already exists")
    work.keep(asked=True)
    made, warning = networks.create(work.client, spec)
    return {"note": f"created. {warning}".rstrip(" .") if warning else "created", "object_id": made}


def _created(work: Work) -> Result | None:
    """There was none of this name before it was asked for: one that is there now is it."""
    found = networks.named(work.client, work.params.spec.name)
    if work.kept.get("asked") and found:
        return {"note": "created, found done after a restart of the console", "object_id": found[0]}
    if work.operation.result.get("secrets"):
        raise WorkFailed("The console stopped before it was created. Nothing is left of it: ask for it anew.")
    return _create(work)


def _connect(work: Work) -> Result:
    params: ConnectParams = work.params
    work.keep(asked=True)
    spec = ConnectNetwork("", params.container, params.alias, params.ip, params.ip6)
    networks.connect(work.client, work.operation.object_id, spec)
    return {"note": f"has {params.name} on it"}


def _on(work: Work) -> bool:
    return networks.is_on(work.client, work.params.container, work.operation.object_id, work.operation.object_name)


def _connected(work: Work) -> Result | None:
    return {"note": f"has {work.params.name} on it"} if _on(work) else _connect(work)


def _disconnect(work: Work) -> Result:
    params: DisconnectParams = work.params
    work.keep(asked=True)
    networks.disconnect(work.client, work.operation.object_id, params.container, params.force)
    return {"note": f"no longer has {params.name} on it"}


def _disconnected(work: Work) -> Result | None:
    return _disconnect(work) if _on(work) else {"note": f"no longer has {work.params.name} on it"}


def _remove(work: Work) -> Result:
    object_id = work.operation.object_id
    work.keep(asked=True)
    try:
        networks.remove(work.client, object_id)
    except NotFound:
        return {"note": "removed, already gone"}
    except EngineError as error:
        try:
            names = networks.members(work.client, object_id)
        except EngineError:
            names = []
        if names:
            raise WorkFailed(f"In use by {_listed(names)}: disconnect them first.", error.message) from error
        raise
    return {"note": "removed"}


def _removed(work: Work) -> Result | None:
    return _remove(work) if networks.exists(work.client, work.operation.object_id) else {"note": "removed"}


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


WORKS: Final[Mapping[str, WorkKind]] = {
    "network.create": WorkKind(_create, _created),
    "network.connect": WorkKind(_connect, _connected),
    "network.disconnect": WorkKind(_disconnect, _disconnected),
    "network.remove": WorkKind(_remove, _removed),
}
