"""What ``docker container update`` is told: nothing but the options that change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from console.engine.command import update
from console.engine.command.values import BadValue
from console.operations.params import InvalidParams, Params

LONGEST: Final = 200  # characters of one value
STAYS: Final = "docker update cannot take this limit away. Give another value, or recreate the container without it."


@dataclass(frozen=True, slots=True)
class UpdateParams(Params):
    """``options``: names of ``update.KEYS`` with their texts, in that order."""

    options: update.Options = ()

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        errors: dict[str, str] = {}
        found: list[tuple[str, str]] = []
        for name in update.KEYS:
            given = str(data.get(name) or "").strip()
            if not given:
                continue
            try:
                if len(given) > LONGEST:
                    raise BadValue("This is too long.")
                found.append((name, update.read(name, given)))
            except BadValue as error:
                errors[name] = str(error)
        if not found and not errors:
            errors[""] = "Nothing is changed."
        if errors:
            raise InvalidParams(errors)
        return cls(tuple(found))

    @classmethod
    def changed(cls, typed: Mapping[str, str], was: Mapping[str, str]) -> Self:
        """What is typed where it differs from what was there. Raises ``InvalidParams``."""
        given = {name: typed.get(name, "").strip() for name in update.KEYS}
        emptied = {name for name, text in given.items() if not text and was.get(name)}
        errors = {name: _stays(name) for name in emptied if name not in update.NONE}
        new = {name: text for name, text in given.items() if text and text != was.get(name, "")}
        new |= {name: update.NONE[name] for name in emptied & update.NONE.keys()}
        if not new and errors:
            raise InvalidParams(errors)
        try:
            params = cls.read(new)
        except InvalidParams as error:
            raise InvalidParams(errors | error.errors) from error
        if errors:
            raise InvalidParams(errors)
        return params

    def to_json(self) -> dict[str, Any]:
        return dict(self.options)

    def command(self, base: str, name: str) -> str:
        return update.render(self.options, name)


def _stays(name: str) -> str:
    usual = update.AS_USUAL.get(name)
    if usual:
        return f"{usual} is what a container has without it."
    return "-1 lets it use as much swap as there is." if name == "memory-swap" else STAYS
