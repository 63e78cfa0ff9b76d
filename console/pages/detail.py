"""What the pages of one image, network or volume have in common: header, tabs, who sees secrets, staying live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from django.http import Http404, QueryDict

from console import access, masks
from console.models import Engine
from console.pages.container_keys import public_label
from console.pages.live import RESYNC


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of the page. ``n``: a count, or None."""

    label: str
    href: str
    n: int | None = None
    current: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    """A name with its value; ``hidden``: the value is masked, and why."""

    name: str
    text: str
    hidden: str = ""
    help: str = ""
    secret: bool = False  # it can be asked for
    revealed: str = ""


class Detail:
    """One object for one person. ``params["ref"]`` is the reference in the page's address."""

    view: ClassVar[str]
    kinds: frozenset[str] = frozenset()
    seen: ClassVar[frozenset[str]] = frozenset()  # kinds for which only the object's own id matters

    def __init__(self, user: access.Actor, engine: Engine | None, params: QueryDict) -> None:
        if engine is None:
            raise Http404("engine")
        self.user, self.engine = user, engine
        self.reference = params.get("ref", "")
        self.revealed: dict[str, str] = {}
        self.find()

    def find(self) -> None:
        """Find the object through ``access``."""
        raise NotImplementedError

    def context(self, current: str) -> dict[str, Any]:
        """For ``objects/detail.html`` and the tab ``current`` (name of its route)."""
        raise NotImplementedError

    def command(self, current: str) -> str:
        """The docker command that shows the same."""
        raise NotImplementedError

    @property
    def key(self) -> str:
        """The engine's id of the object."""
        raise NotImplementedError

    @cached_property
    def secrets(self) -> bool:
        """Whether the person may see values of variables and labels, and commands."""
        return access.can(self.user, "shell")

    def labels(self, found: Any) -> list[Value]:
        """Labels, with the values that the person may see."""
        return self.values(found, public_label)

    def values(self, found: Any, public: Any = lambda name: False) -> list[Value]:
        """Pairs with the values that the person may see; what looks like a secret is masked for everybody."""
        pairs = found.items() if isinstance(found, Mapping) else found if isinstance(found, list) else ()
        rows = []
        for pair in pairs:
            if not isinstance(pair, (tuple, list)) or len(pair) != 2:
                continue
            name, text = str(pair[0]), str(pair[1])
            if not self.secrets and not public(name):
                rows.append(Value(name, masks.MASK if text else "", "hidden from viewers" if text else ""))
            else:
                shown = masks.masked(name, text)
                rows.append(
                    Value(
                        name,
                        shown,
                        "looks like a secret" if shown != text else "",
                        secret=shown != text,
                        revealed=self.revealed.get(name, ""),
                    )
                )
        return rows

    @property
    def stale(self) -> bool:
        """Whether the engine does not answer."""
        return self.engine.stale

    def changed(self, kind: str, ids: Sequence[str] | None) -> str:
        """For the page's socket: read the page again when the object, or a container that may use it, changed."""
        if ids is not None and kind in self.seen and self.key not in ids:
            return ""
        return RESYNC
