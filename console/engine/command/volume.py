"""``docker volume create``: rendered and parsed (flags: the CLI's reference, ``docker volume create --help``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from console.engine.command.table import Option, Pairs, Row, Table


@dataclass(frozen=True, slots=True)
class CreateVolume:
    """``docker volume create``. ``opt``: of the driver; ``local`` knows type, o, device and size."""

    name: str = ""
    driver: str = "local"
    opt: Pairs = ()
    label: Pairs = ()


TABLE: Final[Table[CreateVolume]] = Table(
    "volume",
    Row(
        CreateVolume,
        ("create",),
        (Option("driver", short="d"), Option("opt", "pairs", "o"), Option("label", "pairs")),
        ("name",),
    ),
)
render = TABLE.render
render_lines = TABLE.render_lines
parse = TABLE.parse
