"""What a container uses, sample by sample (``GET /containers/{id}/stats?stream=1``, about one a second)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from console.engine.address import Address
from console.engine.errors import Malformed
from console.engine.parse import text
from console.engine.wire import exchange

LONGEST: Final = 1024 * 1024  # bytes of one sample


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample. Counters are totals since the container's start; ``cpu`` is percent of one core."""

    time: str  # the engine's, RFC 3339
    cpu: float
    cpus: int
    memory: int  # bytes, without the page cache that can be dropped
    memory_limit: int  # bytes; the host's memory where none is set
    received: int  # bytes over all networks
    sent: int
    read: int  # bytes from block devices
    written: int
    processes: int
    processes_limit: int  # 0: none


def _number(raw: Any, *path: str) -> int:
    for name in path:
        raw = raw.get(name) if isinstance(raw, Mapping) else None
    return int(raw) if isinstance(raw, int | float) and not isinstance(raw, bool) and 0 <= raw < 2**63 else 0


def sample(raw: Mapping[str, Any]) -> Sample:
    """A sample from the engine's JSON, sane on cgroup v1 and v2 alike: what is missing counts as nothing."""
    used = _number(raw, "cpu_stats", "cpu_usage", "total_usage") - _number(
        raw, "precpu_stats", "cpu_usage", "total_usage"
    )
    before = _number(raw, "precpu_stats", "system_cpu_usage")
    passed = _number(raw, "cpu_stats", "system_cpu_usage") - before
    percpu = raw.get("cpu_stats", {}).get("cpu_usage", {}).get("percpu_usage")
    cpus = _number(raw, "cpu_stats", "online_cpus") or (len(percpu) if isinstance(percpu, list) else 0) or 1
    usage = _number(raw, "memory_stats", "usage")
    # v1 says total_inactive_file, v2 inactive_file: pages that the kernel gives up first (as docker stats does)
    cache = _number(raw, "memory_stats", "stats", "total_inactive_file") or _number(
        raw, "memory_stats", "stats", "inactive_file"
    )
    networks = raw.get("networks")
    interfaces = list(networks.values()) if isinstance(networks, Mapping) else []
    entries = (raw.get("blkio_stats") or {}).get("io_service_bytes_recursive")
    blocks = [entry for entry in entries if isinstance(entry, Mapping)] if isinstance(entries, list) else []
    limit = _number(raw, "pids_stats", "limit")
    return Sample(
        time=text(raw.get("read", ""), 64),
        cpu=round(used / passed * cpus * 100, 2) if used > 0 and passed > 0 and before else 0.0,
        cpus=cpus,
        memory=usage - cache if cache < usage else usage,
        memory_limit=_number(raw, "memory_stats", "limit"),
        received=sum(_number(interface, "rx_bytes") for interface in interfaces),
        sent=sum(_number(interface, "tx_bytes") for interface in interfaces),
        read=sum(_number(entry, "value") for entry in blocks if str(entry.get("op")).lower() == "read"),
        written=sum(_number(entry, "value") for entry in blocks if str(entry.get("op")).lower() == "write"),
        processes=_number(raw, "pids_stats", "current"),
        processes_limit=limit if limit < 2**32 else 0,
    )


async def samples(address: Address, container_id: str, *, version: str) -> AsyncIterator[Sample]:
    """Samples until the container stops. Raises ``Unreachable`` (also for a lost line), ``NotFound``, ``Malformed``.

    The first has nothing to compare with and is left out. A stopped container gives empty samples: the end.
    """
    waiting = b""
    query: dict[str, str | int] = {"stream": 1}
    async with exchange(address, "GET", f"/containers/{container_id}/stats", version=version, query=query) as answer:
        async for data in answer.body():
            waiting += data
            *whole, waiting = waiting.split(b"\n")
            if len(waiting) > LONGEST:
                raise Malformed("A sample of the statistics is too long.")
            for line in whole:
                if not line.strip():
                    continue
                try:
                    raw = json.loads(line)
                except ValueError as error:
                    raise Malformed("A sample of the statistics is not JSON.") from error
                if not isinstance(raw, dict) or not _number(raw, "cpu_stats", "cpu_usage", "total_usage"):
                    return
                if _number(raw, "precpu_stats", "system_cpu_usage"):
                    yield sample(raw)
