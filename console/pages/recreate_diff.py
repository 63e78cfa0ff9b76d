"""Two commands beside each other, option by option: what differs, what stays. Secrets are masked."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from console.engine.command.fields import write_network
from console.engine.command.flags import DEFAULTS, FLAGS, Flag
from console.engine.command.mask import masked
from console.engine.command.spec import RunSpec
from console.engine.text import text
from console.reads.command import MASK

LONGEST: Final = 2000  # characters of a value that are shown
HIDDEN_DIFFERS: Final = "another value, not shown"
# By which part two items of an option that may be repeated are the same thing.
_KEYS: Final[dict[str, Callable[[Any], str]]] = {
    "env": lambda item: str(item.name),
    "label": lambda item: str(item[0]),
    "annotation": lambda item: str(item[0]),
    "sysctl": lambda item: str(item[0]),
    "log_opt": lambda item: str(item[0]),
    "storage_opt": lambda item: str(item[0]),
    "networks": lambda item: str(item.name),
    "publish": lambda item: f"{item.container_port}/{item.protocol}",
    "volume": lambda item: str(item.target),
    "mount": lambda item: str(item.target),
    "tmpfs": lambda item: str(item.target),
    "ulimit": lambda item: str(item.name),
}
# Of the command line alone: nothing of the container differs by them.
_SKIPPED: Final = frozenset({"detach", "quiet", "pull", "detach_keys", "sig_proxy", "cidfile", "disable_content_trust"})


@dataclass(frozen=True, slots=True)
class Row:
    """One field. ``key``: which item of an option; ``now`` and ``after``: "" where it is not given."""

    label: str
    key: str
    now: str
    after: str
    note: str = ""


def differences(old: RunSpec, new: RunSpec) -> tuple[list[Row], list[Row]]:
    """What differs, and what is given and stays."""
    changed: list[Row] = []
    same: list[Row] = []
    old_masked, new_masked = masked(old, MASK), masked(new, MASK)
    for name, label, write in _fields():
        before = _items(name, getattr(old, name), getattr(old_masked, name), write)
        after = _items(name, getattr(new, name), getattr(new_masked, name), write)
        for key in dict.fromkeys([*before, *after]):
            real_now, now = before.get(key, (None, ""))
            real_after, then = after.get(key, (None, ""))
            shown = key if name in _KEYS else ""
            if real_now == real_after:
                same.append(Row(label, shown, now, then))
            else:
                changed.append(Row(label, shown, now, then, HIDDEN_DIFFERS if now == then else ""))
    return changed, same


def _fields() -> list[tuple[str, str, Callable[[Any], str]]]:
    found: list[tuple[str, str, Callable[[Any], str]]] = [("image", "Image", str), ("command", "Command", shlex.join)]
    for flag in FLAGS:
        if not flag.first and flag.field not in _SKIPPED:
            found.append((flag.field, _label(flag), write_network if flag.field == "networks" else flag.codec.write))
    return found


def _label(flag: Flag) -> str:
    return flag.name.replace("-", " ").capitalize()


def _items(name: str, real: Any, shown: Any, write: Callable[[Any], str]) -> dict[str, tuple[Any, str]]:
    if name == "command":
        return {name: (real, _text(write(shown)))} if real else {}
    if not isinstance(real, tuple):
        if real == DEFAULTS.get(name, ""):
            return {}
        return {name: (real, _text(write(shown)) or "none")}
    key = _KEYS.get(name)
    if key is None:
        return {name: (real, _text(", ".join(write(item) for item in shown)))} if real else {}
    found: dict[str, tuple[Any, str]] = {}
    for item, told in zip(real, shown, strict=True):
        whole, said = found.get(key(item), ((), ""))
        value = _value(name, told, write)
        found[key(item)] = ((*whole, item), f"{said}, {value}" if said else value)
    return found


def _value(name: str, item: Any, write: Callable[[Any], str]) -> str:
    """An item without its key, where the key is its name."""
    if name == "env":
        return _text(item.value if item.value is not None else "as where it is typed") or "empty"
    if name in {"label", "annotation", "sysctl", "log_opt", "storage_opt"}:
        return _text(item[1]) or "empty"
    return _text(write(item))


def _text(value: str) -> str:
    return text(value, LONGEST, multiline=True)
