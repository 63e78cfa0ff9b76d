"""What ``docker volume create`` can be told, checked before an engine is asked, and what of it reaches the host.

``errors`` of ``InvalidParams`` are keyed by the field of the form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Self

from console.engine.command.volume import CreateVolume, render
from console.operations.pairs import masked as masked
from console.operations.pairs import pairs_of, plain, text_of, wrong_pairs
from console.operations.params import InvalidParams, Params

LONGEST: Final = 255
NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")  # moby daemon/names: RestrictedNamePattern
DRIVER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./:-]{0,200}")
LOCAL: Final = "local"
ELSEWHERE: Final = ("nfs", "nfs4", "cifs", "smb3", "tmpfs")  # types of file systems that are not of the host's disks
LOCAL_OPTIONS: Final = ("type", "o", "device", "size")  # moby volume/local: validOpts


@dataclass(frozen=True, slots=True)
class CreateVolumeParams(Params):
    """``docker volume create``, as ``engine.command.volume.CreateVolume`` has it."""

    spec: CreateVolume = field(default_factory=CreateVolume)

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        raw = data.get("spec")
        given: Mapping[str, Any] = raw if isinstance(raw, Mapping) else data
        spec = CreateVolume(
            name=text_of(given, "name"),
            driver=text_of(given, "driver") or LOCAL,
            opt=pairs_of(given, "opt"),
            label=pairs_of(given, "label"),
        )
        if errors := check(spec):
            raise InvalidParams(errors)
        return cls(spec)

    def to_json(self) -> dict[str, Any]:
        return {"spec": {name: plain(value) for name, value in asdict(self.spec).items()}}

    def public(self) -> Self:
        """The same with passwords of shares and other secrets masked."""
        return type(self)(replace(self.spec, opt=masked(self.spec.opt), label=masked(self.spec.label)))

    def needs(self) -> str:
        return "host" if reaches_host(self.spec) else ""

    def command(self, base: str, name: str) -> str:
        return render(self.public().spec)


def reaches_host(spec: CreateVolume) -> bool:
    """Whether it can show something of the host, or of what the host can mount, to a container.

    ``device`` is mounted by the host's kernel, as its root: with ``o=bind`` it is any folder of the host, whatever
    ``type`` says. What a driver of somebody else does with its options only that driver knows.
    """
    return spec.driver != LOCAL or any(name == "device" for name, _ in spec.opt)


def shows_host(driver: str, options: Mapping[str, str]) -> bool:
    """Whether what is in an existing volume is of the host: a folder or a disk of it, not a share or memory.

    With ``bind`` the kernel does not look at the type, and a device without a slash is a path as well.
    """
    if driver != LOCAL or not options.get("device"):
        return False
    return "bind" in str(options.get("o", "")).split(",") or options.get("type") not in ELSEWHERE


def check(spec: CreateVolume) -> dict[str, str]:
    """What can be seen to be wrong without an engine: a sentence for each field."""
    errors: dict[str, str] = {}
    if not spec.name:
        errors["name"] = "A volume needs a name: without one the engine makes 64 digits up, and nobody knows them."
    elif len(spec.name) > LONGEST:
        errors["name"] = f"At most {LONGEST} characters."
    elif not NAME.fullmatch(spec.name):
        errors["name"] = "Two characters or more: a letter or digit first, then letters, digits, “_”, “.” and “-”."
    if not DRIVER.fullmatch(spec.driver):
        errors["driver"] = "This is not the name of a driver."
    for where, pairs in (("options", spec.opt), ("labels", spec.label)):
        if wrong := wrong_pairs(pairs):
            errors[where] = wrong
    if spec.driver == LOCAL and "options" not in errors:
        errors |= _check_local(dict(spec.opt))
    return errors


def _check_local(options: Mapping[str, str]) -> dict[str, str]:
    """As the engine does (moby ``volume/local``): an unknown option, or one that asks for another."""
    unknown = next((name for name in options if name not in LOCAL_OPTIONS), "")
    if unknown:
        return {"options": f"“{unknown}” is no option of the driver local; it knows {', '.join(LOCAL_OPTIONS)}."}
    missing = {name for name in ("type", "device") if not options.get(name)}
    if missing and options.keys() & {"type", "o", "device"}:
        return {"options": f"The driver local wants {' and '.join(sorted(missing))} as well."}
    return {}
