"""Making a container: pull its image if that is missing, create it, start it. One operation, safe to be cut anywhere.

Before the engine is asked to create, the notes say which name the container gets and which one had it until then. After
a crash a container of that name which was not there before is the one that was asked for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from console.engine.command.body import body, query
from console.engine.command.check import unsupported
from console.engine.command.raw import string
from console.engine.command.spec import RunSpec
from console.engine.errors import AlreadySo, EngineError, Malformed, NotFound, Unreachable
from console.engine.execs import ask
from console.engine.fields import child
from console.engine.text import text
from console.operations.image_params import Reference
from console.operations.kinds.create_params import CreateParams
from console.operations.kinds.images import fetch
from console.operations.kinds.names import made_up
from console.operations.verb import Verb
from console.operations.work import Result, Work, WorkFailed, WorkKind

CREATE_WITHIN: Final = 60.0  # seconds
START_WITHIN: Final = 120.0
APPEARS_WITHIN: Final = 5.0  # seconds after a lost answer in which the container may still appear
LOOK_EVERY: Final = 0.5
ID: Final = 96  # characters


def run(work: Work) -> Result:
    """All of it. Raises ``EngineError``, ``WorkFailed``, ``Cancelled``."""
    spec: RunSpec = work.params.spec
    if refused := unsupported(spec, work.client.api_version()):
        raise WorkFailed("This engine cannot do it.", " ".join(refused))
    have_image(work, spec)
    work.check()
    name = spec.name or made_up(spec.image)
    work.progress(text=f"creating {name}", percent=None, speed="")
    work.keep(name=name, existed=str(look(work, name).get("Id", "")))
    work.remains = ""
    try:
        made = make(work, body(spec, work.client.api_version()), query(spec) | {"name": name})
    except (Unreachable, Malformed):
        raise  # whether it was made, ``recover`` finds out
    except EngineError as error:
        raise WorkFailed("The engine refused to create it.", error.message) from error
    work.keep(made=made)
    return _started(work, spec, name, made)


def recover(work: Work) -> Result | None:
    """Go on from the notes: start what was made, or make it again if nothing was and no secrets are missing."""
    spec: RunSpec = work.params.spec
    name = str(work.kept.get("name", ""))
    if not name:
        return _again(work)
    made = str(work.kept.get("made", "")) or _appeared(work, name)
    if not made:
        return _again(work)
    found = look(work, made)
    if not found and not spec.rm:
        raise WorkFailed("It was created, and is no longer there.")
    config = found.get("Config")
    if "made" not in work.kept and (not isinstance(config, dict) or config.get("Image") != spec.image):
        raise WorkFailed(f"It was not created: somebody else made a container {name}.")
    work.keep(made=made)
    return _started(work, spec, name, made)


def undo(work: Work) -> Result:
    """Instead of ``recover`` when it may not go on: what was made for it and never started is removed."""
    spec: RunSpec = work.params.spec
    made = str(work.kept.get("made", ""))
    found = look(work, made) if made else {}
    status = string(child(found, "State"), "Status")
    if found and (not spec.start or status != "created"):
        return {"object_id": made, "note": "created and started" if spec.start else "created"}
    if found:
        with suppress(NotFound):
            work.client.remove(made, force=True, volumes=True)
        raise WorkFailed(f"{work.refused} What was created is removed again.")
    name = str(work.kept.get("name", ""))
    other = string(look(work, name), "Id") if name else ""
    if other and other != work.kept.get("existed"):
        raise WorkFailed(
            f"{work.refused} It did not go on; whether {name} was made for it nobody can tell: look at it."
        )
    raise WorkFailed(f"{work.refused} No container was created.")


def _again(work: Work) -> Result:
    if work.operation.result.get("secrets"):
        raise WorkFailed("The console stopped before it was created. Nothing is left of it: ask for it anew.")
    return run(work)


def _appeared(work: Work, name: str) -> str:
    """The id of the container of that name, if it is not the one that had the name before."""
    give_up = time.monotonic() + APPEARS_WITHIN
    while True:
        found = str(look(work, name).get("Id", ""))
        if found and found != work.kept.get("existed"):
            return text(found, ID)
        if time.monotonic() > give_up:
            return ""
        work.wait(LOOK_EVERY)


def _started(work: Work, spec: RunSpec, name: str, made: str) -> Result:
    result = {"object_id": made}
    if not spec.start:
        return result | {"note": "created"}
    work.progress(text=f"starting {name}", percent=None, speed="")
    try:
        ask_engine(work, "POST", f"/containers/{made}/start", deadline=START_WITHIN)
    except AlreadySo:
        pass
    except NotFound as error:
        if not (spec.rm and "made" in work.kept):
            raise WorkFailed("It was created, but it did not start.", error.message, result) from error
    except (Unreachable, Malformed):
        raise
    except EngineError as error:
        raise WorkFailed("It was created, but it did not start.", error.message, result) from error
    return result | {"note": "created and started"}


def have_image(work: Work, spec: RunSpec) -> None:
    """Pull the image if it is missing, or always, as is wanted."""
    if spec.pull == "never" or (spec.pull != "always" and _has(work, spec.image)):
        return
    work.progress(text=f"pulling {spec.image}")
    try:
        fetch(work, Reference.read(spec.image), spec.platform)
    except ValueError as error:
        raise WorkFailed(f"{spec.image} is not an image's name.", str(error)) from error
    except WorkFailed as error:
        sentence = f"{spec.image} could not be pulled, and no container was created. {error.sentence}"
        raise WorkFailed(sentence, error.engine_text) from error


def _has(work: Work, image: str) -> bool:
    try:
        ask_engine(work, "GET", f"/images/{image}/json")
    except NotFound:
        return False
    return True


def look(work: Work, reference: str) -> dict[str, Any]:
    """The container of that name or id; empty if there is none."""
    try:
        found = ask_engine(work, "GET", f"/containers/{reference}/json")
    except NotFound:
        return {}
    known = isinstance(found, dict) and reference in {str(found.get("Name", "")).removeprefix("/"), found.get("Id")}
    return found if known else {}


def make(work: Work, content: Mapping[str, Any], parameters: Mapping[str, str]) -> str:
    """The id of the container that the engine made. Raises ``EngineError``."""
    answer = ask_engine(work, "POST", "/containers/create", content=content, query=parameters, deadline=CREATE_WITHIN)
    made = answer.get("Id") if isinstance(answer, Mapping) else None
    if not isinstance(made, str):
        raise Malformed("The engine gave no id for the container.")
    return text(made, ID)


def ask_engine(work: Work, method: str, path: str, **more: Any) -> Any:
    """A small request; its answer as JSON. Raises ``EngineError``."""
    return asyncio.run(ask(work.client.address, method, path, version=work.client.api_version(), **more))


VERBS: Final = (
    Verb(
        "container.create", "deploy", "Create", "Creating", "created", "plus", "docker container create",
        params=CreateParams, part="operations/_pull.html",
    ),
)  # fmt: skip
WORKS: Final = {"container.create": WorkKind(run, recover, undo, cancellable=True)}
