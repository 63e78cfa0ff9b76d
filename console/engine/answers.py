"""Answers that are not mirrored but read when somebody asks: health probes, processes, changes, history, disk usage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.engine.fields import INT32, NAME, boolean, child, integer, items, moment, objects, string, strings
from console.engine.lists import image_id
from console.engine.text import text
from console.engine.types import (
    CacheRecord,
    DiskUsage,
    FilesystemChange,
    HealthProbe,
    HistoryEntry,
    Raw,
    Top,
    UsageLine,
)

MAX_ROWS = 4096  # processes of a container
MAX_CHANGES = 20_000
MAX_CACHE = 10_000  # records
_KINDS = {0: "modified", 1: "added", 2: "deleted"}


def health_log(raw: Raw) -> tuple[HealthProbe, ...]:
    """Return the last health probes of a container inspect, oldest first, at most 32."""
    state = child(raw, "State")
    health = child(state, "Health") or child(state, "Healthcheck")
    return tuple(
        HealthProbe(
            start=moment(probe.get("Start")),
            end=moment(probe.get("End")),
            exit_code=integer(probe, "ExitCode", INT32),
            output=text(probe.get("Output"), 4096, multiline=True),
        )
        for probe in list(objects(health, "Log"))[-32:]
    )


def top(raw: Raw) -> Top:
    """Parse ``GET /containers/{id}/top``."""
    titles = strings(raw, "Titles", 64)
    processes = [
        tuple(text(cell) for cell in row[: len(titles)])
        for row in items(raw, "Processes")[:MAX_ROWS]
        if isinstance(row, list)
    ]
    return Top(titles, tuple(row + ("",) * (len(titles) - len(row)) for row in processes))


def changes(raw: Any) -> tuple[FilesystemChange, ...]:
    """Parse ``GET /containers/{id}/changes`` (null for none), sorted by path; past the bound a last entry says so."""
    if not isinstance(raw, list):
        return ()
    found = sorted(
        (
            FilesystemChange(string(change, "Path"), _KINDS.get(integer(change, "Kind"), "modified"))
            for change in raw
            if isinstance(change, Mapping)
        ),
        key=lambda change: change.path,
    )
    if len(found) > MAX_CHANGES:
        found[MAX_CHANGES:] = [FilesystemChange(f"… {len(found) - MAX_CHANGES:,} more", "modified")]
    return tuple(found)


def history(raw: Any) -> tuple[HistoryEntry, ...]:
    """Parse ``GET /images/{name}/history``, newest first, at most 1,024 entries."""
    return tuple(
        HistoryEntry(
            id=image_id(entry.get("Id")),
            created_at=moment(entry.get("Created")),
            created_by=string(entry, "CreatedBy"),
            size=max(0, integer(entry, "Size")),
            comment=string(entry, "Comment"),
            tags=tuple(sorted(strings(entry, "Tags", 512))),
        )
        for entry in (raw if isinstance(raw, list) else [])[:1024]
        if isinstance(entry, Mapping)
    )


def disk_usage(raw: Raw) -> DiskUsage:
    """Parse ``GET /system/df``. Sizes that the engine does not know (-1) count as 0."""
    images, containers = list(objects(raw, "Images")), list(objects(raw, "Containers"))
    volumes, cache = list(objects(raw, "Volumes")), list(objects(raw, "BuildCache"))
    layers = _size(raw, "LayersSize") or sum(_size(image, "Size") - _size(image, "SharedSize") for image in images)
    used_images = [image for image in images if integer(image, "Containers") > 0]
    images_in_use = sum(_size(image, "Size") - _size(image, "SharedSize") for image in used_images)
    running = [entry for entry in containers if string(entry, "State") in ("running", "paused", "restarting")]
    volume_sizes = {
        text(entry.get("Name"), NAME): integer(child(entry, "UsageData"), "Size", default=-1) for entry in volumes
    }
    used_volumes = [entry for entry in volumes if integer(child(entry, "UsageData"), "RefCount") > 0]
    volumes_in_use = sum(_size(child(entry, "UsageData"), "Size") for entry in used_volumes)
    all_volumes = sum(size for size in volume_sizes.values() if size > 0)
    cache_in_use = [entry for entry in cache if boolean(entry, "InUse")]
    own_cache = [entry for entry in cache if not boolean(entry, "Shared")]
    return DiskUsage(
        images=UsageLine(len(images), len(used_images), layers, max(0, layers - images_in_use)),
        containers=_line(containers, running, "SizeRw"),
        volumes=UsageLine(len(volumes), len(used_volumes), all_volumes, max(0, all_volumes - volumes_in_use)),
        build_cache=UsageLine(
            len(cache),
            len(cache_in_use),
            sum(_size(entry, "Size") for entry in own_cache),
            sum(_size(entry, "Size") for entry in own_cache if not boolean(entry, "InUse")),
        ),
        volume_sizes={name: size for name, size in sorted(volume_sizes.items()) if size >= 0},
        image_sizes={
            image_id(image.get("Id")): max(0, _size(image, "Size") - _size(image, "SharedSize")) for image in images
        },
        container_sizes={string(entry, "Id", NAME): _size(entry, "SizeRw") for entry in containers},
        cache=tuple(_cache_record(entry) for entry in cache[:MAX_CACHE]),
    )


def _cache_record(raw: Raw) -> CacheRecord:
    return CacheRecord(
        id=string(raw, "ID", NAME),
        type=string(raw, "Type", 64),
        description=string(raw, "Description", 2048),
        size=_size(raw, "Size"),
        in_use=boolean(raw, "InUse"),
        shared=boolean(raw, "Shared"),
        created_at=moment(raw.get("CreatedAt")),
        used_at=moment(raw.get("LastUsedAt")),
    )


def _size(raw: Raw, key: str) -> int:
    return max(0, integer(raw, key))


def _line(entries: list[Raw], active: list[Raw], key: str) -> UsageLine:
    size, in_use = (sum(_size(entry, key) for entry in some) for some in (entries, active))
    return UsageLine(len(entries), len(active), size, size - in_use)
