"""Verbs whose work is a function of their own: one module for each kind of object.

Every module exports ``VERBS: tuple[Verb, ...]`` and ``WORKS: Mapping[str, WorkKind]`` with the same names;
``all_kinds`` finds them, so that nobody edits a common table.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from console.operations.verb import Verb
from console.operations.work import WorkKind


def all_kinds() -> tuple[tuple[Verb, ...], dict[str, WorkKind]]:
    """The verbs and the works of all modules, in the order of their names. Raises ``ValueError`` for a double name."""
    verbs: list[Verb] = []
    works: dict[str, WorkKind] = {}
    for module in sorted(iter_modules(__path__), key=lambda found: found.name):
        found = import_module(f"{__name__}.{module.name}")
        if not hasattr(found, "VERBS"):
            continue  # parameters and helpers of a kind
        for verb in found.VERBS:
            if verb.name in works:
                raise ValueError(f"{verb.name} is in two tables")
            verbs.append(verb)
            works[verb.name] = found.WORKS[verb.name]
    return tuple(verbs), works
