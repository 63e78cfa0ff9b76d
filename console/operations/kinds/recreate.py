"""Recreating a container: the old one is renamed, the new one takes its place, and only then the old one is removed.

Every step looks first whether it is done, so that it may be repeated: after a crash the work goes on from its notes.
Whatever fails before the old one is removed puts it back: its name, its networks, and that it runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import quote

from console import own
from console.engine.command import again
from console.engine.command.again import Source
from console.engine.command.body import query
from console.engine.command.raw import string
from console.engine.command.restore import restore
from console.engine.command.spec import NetworkAttachment, RunSpec
from console.engine.errors import AlreadySo, Conflict, EngineError, NotFound, Unreachable
from console.engine.fields import boolean, child
from console.masks import PLAIN_MASK
from console.operations import earlier
from console.operations.claim import ClaimLost
from console.operations.execute import Part
from console.operations.kinds.create import ask_engine, have_image, look, make
from console.operations.kinds.proving import good, last_words
from console.operations.recreate_params import RecreateParams, before_name
from console.operations.verb import Verb
from console.operations.work import Cancelled, Result, Work, WorkFailed, WorkKind
from console.reads.command import MASK

PATIENCE: Final = 90.0  # seconds that an engine which does not answer is waited for
AGAIN_EVERY: Final = 1.0
T = TypeVar("T")


def run(work: Work) -> Result:
    """All of it. Raises ``WorkFailed``, ``EngineError``, ``Cancelled``."""
    return Recreation(work).begin()


def recover(work: Work) -> Result | None:
    """Go on from the notes. What cannot go on is undone: the secrets that were typed are not kept."""
    return Recreation(work).resume()


def undo(work: Work) -> Result | None:
    """When it may not go on: the old one is put back, unless the new one was good already."""
    return Recreation(work).undo()


class Recreation:
    """One recreation. ``old``: the id of the container that is there."""

    def __init__(self, work: Work) -> None:
        self.work, self.client = work, work.client
        self.params: RecreateParams = work.params
        self.old = work.operation.object_id
        self.steps: list[list[str]] = []  # each with its state, as the operation's page shows them
        self.sources: list[Source] = []

    # ── the way ──

    def begin(self) -> Result:
        """From the start. Nothing is changed until the first note."""
        work = self.work
        source = self._patiently(self._source)
        self._possible(source)
        spec = self._spec(source)
        if refused := again.check(spec, self.client.api_version()):
            raise WorkFailed("This engine cannot do it. Nothing was changed.", " ".join(refused))
        name = string(source.container, "Name").removeprefix("/")
        self._tell("image", f"looking for {spec.image}")
        have_image(work, spec)
        work.remains = "Nothing was changed."
        work.check()
        new = spec.name or name
        if new != name and look(work, new):
            raise WorkFailed(f"The name {new} is taken. Nothing was changed.")
        state = child(source.container, "State")
        runs = boolean(state, "Running") or boolean(state, "Restarting")
        work.keep(
            **{earlier.NOTE: earlier.packed(source)}, name=name, before=before_name(name, self.old), new=new, runs=runs
        )
        return self._go_on(spec, source)

    def resume(self) -> Result:
        """After a crash."""
        kept, lost = self.work.kept, bool(self.work.operation.result.get("secrets"))
        if "before" not in kept:
            if lost:
                raise WorkFailed("The console stopped before anything was changed. Ask for it anew.")
            return self.begin()
        if kept.get("removing"):
            return self._finish(str(kept["made"]))
        if back := kept.get("back"):
            error = WorkFailed(str(back["sentence"]), str(back["said"]))
            raise self._put_back(error) from error
        source = earlier.unpacked(str(kept.get(earlier.NOTE, ""))) or self._patiently(self._source)
        try:
            spec = self._spec(source)
            if lost and not self._patiently(lambda: self._made(spec)):
                raise WorkFailed("The console stopped, and the secrets that were typed are not kept: ask for it anew.")
        except WorkFailed as error:
            raise self._put_back(error) from error
        return self._go_on(spec, source)

    def undo(self) -> Result:
        """After a crash, when who asked for it has lost the right."""
        if "before" not in self.work.kept:
            raise WorkFailed(f"{self.work.refused} Nothing was changed.")
        if self.work.kept.get("removing"):  # there is no way back any more
            return self._finish(str(self.work.kept["made"]))
        error = WorkFailed(self.work.refused)
        raise self._put_back(error) from error

    def _go_on(self, spec: RunSpec, source: Source) -> Result:
        try:
            made = self._through(spec, source)
        except ClaimLost:
            raise
        except (EngineError, WorkFailed, Cancelled) as error:
            self._leave_to_the_next()
            if isinstance(error, Unreachable):  # nothing can be put back now: ``resume`` does it when it answers
                raise _lost(error) from error
            raise self._put_back(error) from error
        return self._finish(made)

    def _through(self, spec: RunSpec, source: Source) -> str:
        work, new = self.work, self._note("new")
        self._tell("rename", f"renaming {self._note('name')} to {self._note('before')}")
        self._patiently(lambda: self._name(self.old, self._note("before")))
        work.check()
        self._tell("create", f"creating {new}")
        made = self._patiently(lambda: self._created(spec, source))
        for network in spec.networks[1:]:
            self._tell("create", f"connecting {new} to {network.name}")
            self._patiently(lambda network=network: self._joined(made, network, spec))  # type: ignore[misc]
        work.check()
        if self.work.kept["runs"]:
            self._tell("stop", f"stopping {self._note('before')}")
            self._patiently(lambda: self._stopped(self.old))
            work.check()
            self._tell("start", f"starting {new}")
            self._patiently(lambda: self._started(made, "The new one did not start."))
            self._tell("wait", "waiting")
            good(work, lambda: self._patiently(lambda: look(work, made)))
        return made

    def _finish(self, made: str) -> Result:
        """The new one is good: from here on there is no way back."""
        self.work.keep(made=made, removing=True)
        self._tell("remove", f"removing {self._note('before')}")
        result: dict[str, Any] = {"object_id": made, "note": "recreated", "earlier": True}
        try:
            self._patiently(lambda: self._removed(self.old))
        except EngineError as error:
            self._leave_to_the_next()
            if isinstance(error, Unreachable):
                raise _lost(error) from error
            result["note"] = f"recreated, but {self._note('before')} is still there: {error.message}"
        self._tell("", "")
        return result

    # ── steps, each safe to repeat ──

    def _source(self) -> Source:
        try:
            return Source(*self.client.run_sources(self.old))
        except NotFound as error:
            raise WorkFailed("It no longer exists.", error.message) from error

    def _possible(self, source: Source) -> None:
        state = child(source.container, "State")
        reason = own.refusal("container.recreate", self.old)
        if reason:
            raise WorkFailed(f"It is {reason}.")
        if boolean(child(source.container, "HostConfig"), "AutoRemove"):
            raise WorkFailed(
                "It was started with --rm: the engine removes it when it stops, and nothing could go back."
            )
        if boolean(state, "Paused") or string(state, "Status") in {"removing", "dead"}:
            raise WorkFailed(f"It is {string(state, 'Status')}. Nothing was changed.")

    def _spec(self, source: Source) -> RunSpec:
        """The new command with its secrets."""
        sources = [source]
        if self.params.earlier:
            before = self.work.ask(earlier.find, self.work.engine, self.params.earlier, self.work.operation.object_name)
            if before is None:
                raise WorkFailed("The earlier container is no longer known here.")
            sources.insert(0, before)
        self.sources = sources
        found = restore(self.params.typed, [one.spec for one in sources], MASK, PLAIN_MASK)
        if found.left and not self.work.operation.result.get("secrets"):
            raise WorkFailed("It changed since it was looked at: a value that was hidden is another one now.")
        return found.spec

    def _name(self, container_id: str, name: str) -> None:
        found = look(self.work, container_id)
        if not found:
            raise WorkFailed("Somebody else removed it in the meantime.")
        if string(found, "Name").removeprefix("/") != name:
            self.client.rename(container_id, name)

    def _made(self, spec: RunSpec) -> str:
        """The id of the new one, if it is there."""
        if made := str(self.work.kept.get("made", "")):
            return made
        found = look(self.work, self._note("new"))
        other = string(found, "Id")
        if not found or other == self.old:
            return ""
        if string(child(found, "Config"), "Image") != spec.image:
            raise WorkFailed(f"Somebody else made a container {self._note('new')} in the meantime.")
        return other

    def _created(self, spec: RunSpec, source: Source) -> str:
        made = self._made(spec)
        if not made:
            version = self.client.api_version()
            content = again.request(
                spec, self.sources, None if self.params.renew else source, version, self._image_volumes(spec)
            )
            try:
                made = make(self.work, content, query(spec) | {"name": self._note("new")})
            except Unreachable:
                raise
            except EngineError as error:
                raise WorkFailed("The engine refused to create the new one.", error.message) from error
        self.work.keep(made=made)
        return made

    def _image_volumes(self, spec: RunSpec) -> tuple[str, ...]:
        try:
            found = ask_engine(self.work, "GET", f"/images/{spec.image}/json")
        except NotFound:
            return ()
        return tuple(child(found, "Config", "Volumes")) if isinstance(found, dict) else ()

    def _joined(self, made: str, network: NetworkAttachment, spec: RunSpec) -> None:
        if network.name in child(look(self.work, made), "NetworkSettings", "Networks"):
            return
        settings = again.joining(network, spec, self.client.api_version())
        path = f"/networks/{quote(network.name, safe='')}/connect"
        try:
            self.client.send("POST", path, {"Container": made, "EndpointConfig": settings}, seconds=60.0)
        except Unreachable:
            raise
        except EngineError as error:
            raise WorkFailed(f"The new one could not join the network {network.name}.", error.message) from error

    def _stopped(self, container_id: str) -> None:
        try:
            self.client.stop(container_id)
        except AlreadySo:
            pass
        except Unreachable:
            raise
        except EngineError as error:
            raise WorkFailed("The one from before did not stop.", error.message) from error

    def _started(self, container_id: str, sentence: str) -> None:
        try:
            self.client.start(container_id)
        except AlreadySo:
            pass
        except Unreachable:
            raise
        except EngineError as error:
            raise WorkFailed(sentence, error.message) from error

    def _removed(self, container_id: str, force: bool = False) -> None:
        try:
            self.client.remove(container_id, force=force, volumes=force)
        except NotFound:
            pass
        except Conflict as error:
            if "already in progress" not in error.message:
                raise

    # ── back ──

    def _put_back(self, error: Exception) -> Exception:
        """Undo what was done; the error to end with. A crash in the middle goes on with it."""
        self._tell("back", f"putting {self._note('name')} back")
        runs, said = bool(self.work.kept["runs"]), _said(error)
        output = self._last_words() if isinstance(error, WorkFailed) else ()
        self.work.keep(back={"sentence": _sentence(error), "said": said})
        try:
            self._patiently(self._undone, going_back=True)
            if runs:
                self._patiently(lambda: self._started(self.old, "The one from before did not start."), going_back=True)
        except ClaimLost:
            raise
        except Unreachable as gone:
            return _lost(gone)
        except (EngineError, WorkFailed) as second:
            self.steps[-1][1] = "failed"
            self._tell("", "")
            sentence = f"{_sentence(error)} It could not be put back: look at {self._note('before')}."
            return WorkFailed(sentence, "\n".join(filter(None, (said, _said(second)))), output=output)
        back = f"The one from before is back{', and runs' if runs else ''}."
        if isinstance(error, Cancelled):
            return Cancelled(back)
        return WorkFailed(f"{_sentence(error)} {back}", said, output=output)

    def _last_words(self) -> tuple[Part, ...]:
        """What the new one printed, before it is removed."""
        found = look(self.work, str(self.work.kept["made"])) if self.work.kept.get("made") else {}
        return last_words(self.work, self.work.kept["made"], boolean(child(found, "Config"), "Tty")) if found else ()

    def _undone(self) -> None:
        made = str(self.work.kept.get("made", ""))
        if not made:
            found = look(self.work, self._note("new"))
            ours = string(child(found, "Config"), "Image") == self.params.typed.image
            made = string(found, "Id") if ours and string(found, "Id") != self.old else ""
        if made:
            self._removed(made, force=True)
        self._name(self.old, self._note("name"))

    # ── words and waiting ──

    def _note(self, name: str) -> str:
        return str(self.work.kept[name])

    def _tell(self, step: str, words: str) -> None:
        """``step``: the one that begins, or that goes on; "" at the end."""
        if step and [one[0] for one in self.steps[-1:]] != [step]:
            if self.steps and step == "back":
                self.steps[-1][1] = "failed"
            self.steps.append([step, "done"])
        self.work.progress(text=words, percent=None, speed="", steps=[list(one) for one in self.steps])

    def _leave_to_the_next(self) -> None:
        """When it is the worker that stops, and no person, the next one goes on: two must not do it at once."""
        if self.work.stopped and not self.work.cancelled_by:
            raise ClaimLost

    def _patiently(self, step: Callable[[], T], going_back: bool = False) -> T:
        """Do a step, again while the engine does not answer."""
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                return step()
            except Unreachable:
                self._leave_to_the_next()
                if time.monotonic() > give_up:
                    raise
            if going_back:
                time.sleep(AGAIN_EVERY)
            else:
                self.work.wait(AGAIN_EVERY)


def _lost(error: Unreachable) -> Unreachable:
    """As one whose end is not known: that no connection was made says nothing of the steps before."""
    return Unreachable(error.message, "lost")


def _sentence(error: Exception) -> str:
    if isinstance(error, Cancelled):
        return "It was cancelled."
    return error.sentence if isinstance(error, WorkFailed) else "The engine refused."


def _said(error: Exception) -> str:
    return error.engine_text if isinstance(error, WorkFailed) else getattr(error, "message", "")


VERBS: Final = (
    Verb("container.recreate", "deploy", "Recreate", "Recreating", "recreated", "restart",
         "docker container create",
         {"removing": "being removed", "dead": "dead: it can only be removed", "paused": "paused: unpause it"},
         RecreateParams, dialog=True, danger=True, part="containers/_operation_recreate.html"),
)  # fmt: skip
WORKS: Final = {"container.recreate": WorkKind(run, recover, undo, cancellable=True)}
