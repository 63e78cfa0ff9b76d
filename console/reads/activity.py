"""What a container is doing, asked when somebody looks: its processes, and what it changed of its image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from console.engine.client import EngineClient
from console.engine.errors import Conflict, EngineError, Failed
from console.engine.types import FilesystemChange, Top
from console.models import Container, Engine
from console.reads.ask import ask

# Columns of the host's ps, by the names that it gives them
PS: Final = "-eo pid,ppid,user,pcpu,rss,stat,etime,time,args"


@dataclass(frozen=True, slots=True)
class Process:
    """One process. ``pid`` is the engine host's; what its ``ps`` does not tell is empty."""

    pid: str
    parent: str
    user: str
    cpu: str  # percent
    memory: int | None  # bytes resident
    state: str
    age: str
    cpu_time: str
    command: str
    depth: int = 0  # below which other process of the container


def processes(engine: Engine, container: Container) -> list[Process]:
    """The processes as a tree, parents first. Raises ``EngineError``; ``Conflict`` when the container does not run."""

    def question(client: EngineClient) -> Top:
        try:
            return client.top(container.container_id, PS)
        except Conflict:
            raise
        except (Failed, EngineError):
            return client.top(container.container_id)  # a ps that knows no -o

    return tree(rows(ask(engine, question)))


def rows(top: Top) -> list[Process]:
    """What ``ps`` said, by its own titles."""
    titles = {title.upper().lstrip("%"): number for number, title in enumerate(top.titles)}

    def cell(row: tuple[str, ...], *names: str) -> str:
        return next((row[titles[name]] for name in names if name in titles), "")

    found = []
    for row in top.processes:
        rss = cell(row, "RSS")
        found.append(
            Process(
                pid=cell(row, "PID"),
                parent=cell(row, "PPID"),
                user=cell(row, "USER", "UID"),
                cpu=cell(row, "CPU", "C"),
                memory=int(rss) * 1024 if rss.isdecimal() else None,
                state=cell(row, "STAT", "S"),
                age=cell(row, "ELAPSED", "STIME"),
                cpu_time=cell(row, "TIME"),
                command=cell(row, "COMMAND", "CMD", "ARGS"),
            )
        )
    return found


def tree(found: list[Process]) -> list[Process]:
    """Children under their parents, siblings by number; what has no parent here stands at the left."""
    known = {process.pid for process in found}
    children: dict[str, list[Process]] = {}
    for process in found:
        parent = process.parent if process.parent in known and process.parent != process.pid else ""
        children.setdefault(parent, []).append(process)
    ordered: list[Process] = []
    waiting = [(process, 0) for process in sorted(children.get("", []), key=_number, reverse=True)]
    seen: set[str] = set()
    while waiting:
        process, depth = waiting.pop()
        if process.pid in seen:
            continue
        seen.add(process.pid)
        ordered.append(
            Process(
                process.pid, process.parent, process.user, process.cpu, process.memory, process.state, process.age,
                process.cpu_time, process.command, min(depth, 12),
            )
        )  # fmt: skip
        waiting += [(child, depth + 1) for child in sorted(children.get(process.pid, []), key=_number, reverse=True)]
    return ordered


def _number(process: Process) -> int:
    return int(process.pid) if process.pid.isdecimal() else 0


def changes(engine: Engine, container: Container) -> list[FilesystemChange]:
    """What differs from the image, without folders that only hold a change. Raises ``EngineError``."""
    found = ask(engine, lambda client: client.changes(container.container_id))
    holders = {change.path.rpartition("/")[0] for change in found}
    return [change for change in found if change.kind != "modified" or change.path not in holders]
