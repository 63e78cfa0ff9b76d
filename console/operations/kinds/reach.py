"""The live check of reach: name look-ups and TCP connects from inside a container, with what its image has.

Argument lists, never a shell's line. Each question is asked with the first program that the image has; where it has
none the result says that it cannot be tested from there. Nothing of the engine changes.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

from console.engine.client import EngineClient
from console.engine.types import ContainerState as S
from console.operations import execute
from console.operations.exec_params import ExecParams
from console.operations.execute import Ran
from console.operations.params import InvalidParams, Params
from console.operations.verb import Verb
from console.operations.work import Result, Work, WorkKind

MOST: Final = 8  # names, and targets
SECONDS: Final = 5  # for one question
WAIT: Final = "2"  # seconds that a connect may take
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")
_ID: Final = re.compile(r"[0-9a-f]{64}")
_MISSING: Final = frozenset({126, 127})  # exit codes of a program that is not there
_UNFIT: Final = re.compile(r"invalid option|unrecognized option|executable file not found", re.IGNORECASE)
_PYTHON: Final = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2).close()"

LOOK_UP: Final[Sequence[tuple[str, ...]]] = (("getent", "hosts", "{0}"), ("nslookup", "{0}"))
CONNECT: Final[Sequence[tuple[str, ...]]] = (
    ("nc", "-z", "-w", WAIT, "{0}", "{1}"),
    ("nc", "-w", WAIT, "{0}", "{1}"),
    ("bash", "-c", 'exec 3<>"/dev/tcp/$0/$1"', "{0}", "{1}"),
    ("python3", "-c", _PYTHON, "{0}", "{1}"),
)


@dataclass(frozen=True, slots=True)
class ReachParams(Params):
    """From the object to ``to`` (id): ``names`` to look up, ``targets`` ("172.20.0.3:5432") to connect to."""

    FIELDS: ClassVar[tuple[str, ...]] = ("to", "names", "targets")

    to: str = ""
    names: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """From what ``to_json`` gave. Raises ``InvalidParams``."""
        names = [str(name) for name in data.get("names") or () if _NAME.fullmatch(str(name))][:MOST]
        try:
            targets = ["{}:{}".format(*_target(str(target))) for target in data.get("targets") or ()][:MOST]
        except ValueError as error:
            raise InvalidParams({"targets": f"{error}"}) from error
        to = str(data.get("to") or "")
        if not _ID.fullmatch(to) or not (names or targets):
            raise InvalidParams({"to": "There is nothing to test."})
        return cls(to, tuple(names), tuple(targets))

    def command(self, base: str, name: str) -> str:
        asked: list[tuple[str, ...]] = [("nslookup", text) for text in self.names[:1]]
        asked += [("nc", "-z", "-w", WAIT, *_target(target)) for target in self.targets[:2]]
        return " && ".join(f"{base} {shlex.quote(name)} {shlex.join(words)}" for words in asked) or base


def _target(text: str) -> tuple[str, str]:
    """Address and port. Raises ``ValueError``."""
    address, _, port = text.rpartition(":")
    number = int(port) if port.isascii() and port.isdigit() else 0
    if not 0 < number < 65536:
        raise ValueError(f"“{text[:60]}” has no port.")
    return str(ipaddress.ip_address(address.strip("[]"))), str(number)


def check(client: EngineClient, container_id: str, params: ReachParams, step: Callable[[], None]) -> dict[str, Any]:
    """Ask every question: ``names`` and ``ports`` are lists of [what, True, False or None (cannot be tested), words].

    ``step`` is called before each. Raises the ``EngineError`` tree when the container cannot run anything.
    """
    found: dict[str, Any] = {"names": [], "ports": []}
    for name in params.names:
        step()
        found["names"].append([name, *_asked(client, container_id, LOOK_UP, (name,))])
    for target in params.targets:
        step()
        found["ports"].append([target, *_asked(client, container_id, CONNECT, _target(target))])
    return found | {"note": _note(found)}


def _asked(
    client: EngineClient, container_id: str, programs: Sequence[tuple[str, ...]], about: tuple[str, ...]
) -> tuple[bool | None, str]:
    for program in programs:
        words = tuple(word.format(*about) if word.startswith("{") else word for word in program)
        ran = execute.run(client, container_id, ExecParams(words, timeout=SECONDS), secrets.token_hex(12))
        said = "".join(text for _, text in ran.output)
        if ran.exit_code in _MISSING or _UNFIT.search(said):
            continue
        return _judged(program, ran, said)
    return None, f"its image has none of {', '.join(dict.fromkeys(program[0] for program in programs))}"


def _judged(program: tuple[str, ...], ran: Ran, said: str) -> tuple[bool, str]:
    if ran.exit_code is None:
        # nc that connected waits for the other side; one that did not gave up long before.
        held = program[0] == "nc"
        return held, "open, and it stays so" if held else f"no answer within {SECONDS} s"
    last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "")
    if ran.exit_code == 0:
        return True, last[:200] if program in LOOK_UP else "open"
    return False, last[:200] or f"exit code {ran.exit_code}"


def _note(found: Mapping[str, Any]) -> str:
    parts = []
    for key, words in (("names", "names resolve"), ("ports", "targets open")):
        if found[key]:
            good = sum(1 for one in found[key] if one[1])
            parts.append(f"{good} of {len(found[key])} {words}")
    return ", ".join(parts)


def _run(work: Work) -> Result:
    return check(work.client, work.operation.object_id, work.params, work.check)


_REFUSE: Final = dict.fromkeys((S.CREATED.value, S.EXITED.value, S.DEAD.value), "not running") | {
    S.PAUSED.value: "paused: unpause it",
    S.RESTARTING.value: "restarting by itself",
    S.REMOVING.value: "being removed",
}
VERBS: tuple[Verb, ...] = (
    Verb("reach.check", "shell", "Check reach", "Checking", "checked", "swap", "docker container exec", _REFUSE,
         ReachParams, joined=" from "),
)  # fmt: skip
# Asked twice it does no harm, so after a crash it is asked again.
WORKS: Mapping[str, WorkKind] = {"reach.check": WorkKind(_run, recover=_run, cancellable=True)}
