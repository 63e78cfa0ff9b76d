"""What of a host gives more away than it seems when a container gets it. Paths are only compared."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

# The folder itself and all that lies below it, the most telling first.
WITHIN: Final[Mapping[str, str]] = {
    "/proc": "the kernel's view of all processes of the host, and switches of the kernel",
    "/sys": "devices and switches of the host's kernel",
    "/dev": "devices of the host: disks, memory",
    "/boot": "what the host starts with",
    "/etc": "configuration and accounts of the host: passwords, keys, start scripts",
    "/root": "the home of the host's root: keys, history",
    "/var/lib/docker": "the engine's own data: every volume, image and container",
    "/var/lib/containerd": "the engine's own data: every image and container",
    "/var/lib/kubelet": "secrets and volumes of Kubernetes",
    "/usr": "programs of the host",
    "/bin": "programs of the host",
    "/sbin": "programs of the host",
    "/lib": "libraries of the host",
    "/lib64": "libraries of the host",
    "/var/spool/cron": "what the host runs by the clock",
}
# These alone; what lies below them may be harmless.
EXACT: Final[Mapping[str, str]] = {
    "/": "the whole host: whoever is root in the container is root of the host",
    "/home": "the homes of all people of the host: keys, history",
    "/run": "sockets of the host's services, the engine's among them",
    "/var": "data and logs of all the host's services, the engine's among them",
    "/var/run": "sockets of the host's services, the engine's among them",
    "/var/lib": "data of all the host's services, the engine's among them",
}
SOCKETS: Final = ("docker.sock", "containerd.sock", "crio.sock", "podman.sock")
_ENGINE: Final = "the engine's socket: whoever can write to it is root of the host"
# Capabilities with which root in a container gets out of it, or reads any file of the host.
CAPABILITIES: Final = frozenset(
    {"ALL", "BPF", "DAC_READ_SEARCH", "PERFMON", "SYS_ADMIN", "SYS_BOOT", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO"}
)
HARMLESS: Final = ("/etc/localtime", "/etc/timezone", "/usr/share/zoneinfo", "/dev/null")


def risk_of(source: str) -> str:
    """Why a bind mount of ``source``, a path of the host, is risky, as the end of a sentence; "" for nothing known."""
    path = posixpath.normpath(f"/{source.lstrip('/')}")
    if posixpath.basename(path) in SOCKETS:
        return _ENGINE
    if path in EXACT:
        return EXACT[path]
    if any(_below(path, harmless) for harmless in HARMLESS):
        return ""
    return next((reason for folder, reason in WITHIN.items() if _below(path, folder)), "")


def rules_host(facts: Mapping[str, Any], sources: Iterable[str]) -> bool:
    """Whether whoever runs a command in a container rules its host, or reads what only the host's root reads.

    ``facts``: fields of ``engine.types.Container``; ``sources``: of its bind mounts.
    """
    if facts.get("privileged") or facts.get("pid_mode") == "host" or facts.get("devices"):
        return True
    added = {str(name).upper().removeprefix("CAP_") for name in facts.get("cap_add") or ()}
    return bool(added & CAPABILITIES) or any(risk_of(source) for source in sources)


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


SAFE_COPIES: Final = (29, 5, 1)
_VERSION: Final = re.compile(r"(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?")


def copies_race(server_version: str) -> bool:
    """Whether a program in a container can lead a copy into or out of it astray, to the host.

    Engines before 29.5.1 mount what the container has while it runs (GHSA-vp62-88p7-qqf5, GHSA-rg2x-37c3-w2rh).
    ``server_version``: of ``GET /version``; one that says nothing counts as old.
    """
    found = _VERSION.match(server_version)
    return found is None or tuple(int(part or 0) for part in found.groups()) < SAFE_COPIES
