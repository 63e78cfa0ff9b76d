"""The request that makes a container again: from its new command, and from what only its inspect can tell.

Source of what is kept: ``GET /containers/{id}/json``. Some of it no command line can say: a health check without a
shell, a seccomp profile, an entrypoint of several words, a volume without a name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from console.engine.command.body import body, endpoint
from console.engine.command.check import contradictions, unsupported, user_defined
from console.engine.command.derive import Derived, derive
from console.engine.command.raw import string, strings
from console.engine.command.spec import NetworkAttachment, RunSpec
from console.engine.fields import child, objects
from console.engine.types import Raw

ANONYMOUS: Final = re.compile(r"[0-9a-f]{64}")  # the name that an engine gives a volume without one
_PARTS: Final = ("Id", "Name", "Image", "Config", "HostConfig", "Mounts", "State", "NetworkSettings")
_INFO: Final = ("Name", "OSType", "CgroupVersion", "LoggingDriver", "DefaultRuntime", "ServerVersion")


@dataclass(frozen=True, slots=True)
class Source:
    """A container as it is or was: what ``EngineClient.run_sources`` returns."""

    container: Raw
    image: Raw
    info: Raw

    @property
    def derived(self) -> Derived:
        """Its command, with all that a command cannot say in its notes."""
        return derive(self.container, self.image, self.info, whole=True)

    @property
    def spec(self) -> RunSpec:
        """Its command."""
        return self.derived.spec

    def to_json(self) -> dict[str, Any]:
        """What is needed of it later, without the log of its health check."""
        found = {key: self.container[key] for key in _PARTS if key in self.container}
        found["State"] = {"Status": string(child(self.container, "State"), "Status")}
        image = {key: self.image[key] for key in ("Config", "ContainerConfig") if key in self.image}
        return {"container": found, "image": image, "info": {k: self.info[k] for k in _INFO if k in self.info}}

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Source:
        """What ``to_json`` gave."""
        return cls(child(data, "container"), child(data, "image"), child(data, "info"))


def request(
    spec: RunSpec, sources: Sequence[Source], current: Source | None, api_version: str, targets: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the JSON of ``POST /containers/create``; networks beyond the first are to be joined afterwards.

    ``sources``: the containers that ``spec`` was made from; ``current``: the one whose volumes without a name are
    carried over, None to begin with empty ones; ``targets``: paths for which the new image has volumes.
    """
    found = body(replace(spec, networks=spec.networks[:1]), api_version)
    for source in reversed(sources):
        _exact(found, spec, source)
    if current is not None:
        _carry(found, spec, carried(spec, current, targets))
    return found


def joining(network: NetworkAttachment, spec: RunSpec, api_version: str) -> dict[str, Any]:
    """Return the ``EndpointConfig`` of ``POST /networks/{id}/connect`` for a network beyond the first."""
    major, _, minor = api_version.partition(".")
    return endpoint(network, spec, first=False, with_mac=(int(major), int(minor or 0)) >= (1, 44))


def check(spec: RunSpec, api_version: str) -> list[str]:
    """Return a sentence for each thing that the engine cannot do, where every network may have a step of its own."""
    single = replace(spec, networks=spec.networks[:1])
    names = [network.name for network in spec.networks]
    found = [*contradictions(single), *unsupported(single, api_version)]
    found += [
        f"The network {name} is given more than once." for name in sorted({n for n in names if names.count(n) > 1})
    ]
    if len(names) > 1 and (names[0] in {"host", "none"} or names[0].startswith("container:")):
        found.append(f"A container on {names[0]} can join no other network.")
    if any(not user_defined(name) for name in names[1:]):
        found.append("The engine's own networks can only stand first.")
    found += [
        f"The network {network.name} has no aliases; only own networks have."
        for network in spec.networks[1:]
        if network.aliases and not user_defined(network.name)
    ]
    return found


def carried(spec: RunSpec, source: Source, targets: Sequence[str] = ()) -> dict[str, str]:
    """Return the volumes without a name that the new container gets again, by their paths.

    A path that ``spec`` gives to something else, or no longer has, is left out.
    """
    wanted = {volume.target for volume in spec.volume if not volume.source} | set(targets)
    wanted |= {mount.target for mount in spec.mount if mount.type == "volume" and not mount.source}
    return {path: name for path, name in anonymous(source).items() if path in wanted - _taken(spec)}


def anonymous(source: Source) -> dict[str, str]:
    """Return the volumes of a container that nobody gave a name, by their paths; those of other containers apart."""
    config, host = child(source.container, "Config"), child(source.container, "HostConfig")
    bound = {bind.partition(":")[2].partition(":")[0] for bind in strings(host, "Binds")}
    own = set(child(config, "Volumes")) | {
        string(mount, "Target") for mount in objects(host, "Mounts") if not string(mount, "Source")
    }
    return {
        path: string(mount, "Name")
        for mount in objects(source.container, "Mounts")
        if string(mount, "Type") == "volume" and ANONYMOUS.fullmatch(string(mount, "Name"))
        for path in [string(mount, "Destination")]
        if path in own - bound
    }


def _taken(spec: RunSpec) -> set[str]:
    taken = {volume.target for volume in spec.volume if volume.source} | {mount.target for mount in spec.tmpfs}
    return taken | {mount.target for mount in spec.mount if mount.type != "volume" or mount.source}


def _carry(found: dict[str, Any], spec: RunSpec, volumes: Mapping[str, str]) -> None:
    host = found["HostConfig"]
    mounts = {mount["Target"]: mount for mount in host.get("Mounts", ())}
    for path, name in volumes.items():
        if path in mounts:
            mounts[path]["Source"] = name
        else:
            host["Binds"] = [*(host["Binds"] or ()), f"{name}:{path}"]


def _exact(found: dict[str, Any], spec: RunSpec, source: Source) -> None:
    """Put in what the command only says nearly, where it says the same as that of ``source``."""
    old = source.spec
    config, host = child(source.container, "Config"), child(source.container, "HostConfig")
    test = strings(child(config, "Healthcheck"), "Test")
    if test[:1] == ("CMD",) and spec.health_cmd == old.health_cmd != "":
        found["Healthcheck"]["Test"] = list(test)
    entrypoint = strings(config, "Entrypoint")
    if len(entrypoint) > 1 and (spec.entrypoint, spec.command) == (old.entrypoint, old.command) and old.entrypoint:
        found |= {"Entrypoint": list(entrypoint), "Cmd": list(strings(config, "Cmd")) or None}
    profiles = [option for option in strings(host, "SecurityOpt") if option.startswith("seccomp={")]
    if profiles and spec.security_opt == old.security_opt:
        found["HostConfig"]["SecurityOpt"] = [*(found["HostConfig"]["SecurityOpt"] or ()), *profiles]
