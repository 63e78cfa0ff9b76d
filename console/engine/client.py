"""Calls to one engine: the docker SDK behind a small typed facade that many threads may share.

Every call has a deadline and a bound for its answer, returns dataclasses of ``types`` and raises nothing but the tree
of ``errors``. The paths in the docstrings are those of the Docker Engine API.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import quote

from console.engine import answers, parse
from console.engine.address import Address
from console.engine.diagnose import first_contact, not_docker, refused_ping
from console.engine.errors import Invalid, Malformed, NotFound, Unreachable, Unsupported
from console.engine.fields import NAME, child, integer
from console.engine.marks import is_looking
from console.engine.text import decode, show, text
from console.engine.translate import raise_for, translated
from console.engine.transport import NEWEST_VERSION, OLDEST_VERSION, Session
from console.engine.types import (
    Container,
    ContainerSummary,
    DiskUsage,
    EngineInfo,
    FilesystemChange,
    HealthProbe,
    HistoryEntry,
    Image,
    ImageSummary,
    Network,
    Raw,
    Top,
    Unparsed,
    Volume,
)

INSPECT_CAP = 32 * 1024 * 1024  # bytes of one object's answer
LIST_CAP = 256 * 1024 * 1024
MAX_OBJECTS = 200_000  # entries of one list
STOP_GRACE = 10  # seconds an engine gives a container to stop when nothing else is said
STOP_SLACK = 30.0  # seconds on top of it until the call gives up

logger = logging.getLogger(__name__)
T = TypeVar("T")


class EngineClient:
    """One engine's calls. ``timeout`` is the deadline in seconds of a usual call (connecting: 3 s more at most)."""

    def __init__(self, address: Address, timeout: float = 10.0) -> None:
        self.address = address
        self.timeout = timeout
        self._lock = threading.Lock()
        self._idle: list[Session] = []
        self._version: str | None = None
        self._closed = False

    # -- the engine ---------------------------------------------------------------------------------------------------

    def ping(self, timeout: float = 2.0) -> None:
        """Return if the engine answers ``GET /_ping``, else raise ``Unreachable``."""
        try:
            body = self._ask("GET", "/_ping", seconds=timeout, cap=64 * 1024, versioned=False)
        except (NotFound, Invalid, Unsupported, Malformed) as error:
            raise refused_ping(self.address, error) from error
        except Unreachable as error:
            raise first_contact(self.address, error) from error.__cause__
        if not body.strip().endswith(b"OK"):
            raise not_docker(self.address)

    def info(self) -> EngineInfo:
        """``GET /info`` and ``GET /version``."""
        version = self._object(self._ask("GET", "/version", versioned=False))
        negotiated = self._negotiate(version)
        return parse.info(self._object(self._ask("GET", "/info", seconds=self.timeout * 2)), version, negotiated)

    def api_version(self) -> str:
        """Return the API version that this client speaks with the engine, asking once."""
        known = self._version
        if known is None:
            known = self._negotiate(self._object(self._ask("GET", "/version", versioned=False)))
        return known

    def disk_usage(self, timeout: float = 60.0) -> DiskUsage:
        """``GET /system/df``: slow on engines with many layers and volumes."""
        return answers.disk_usage(self._object(self._ask("GET", "/system/df", seconds=timeout, cap=LIST_CAP)))

    def volume_sizes(self, timeout: float = 60.0) -> Mapping[str, int]:
        """``GET /system/df?type=volume`` (before API 1.42: of all): bytes by name; every file of them is counted."""
        answer = self._ask("GET", "/system/df", {"type": "volume"}, seconds=timeout, cap=LIST_CAP)
        return answers.disk_usage(self._object(answer)).volume_sizes

    # -- the mirrored objects -----------------------------------------------------------------------------------------

    def containers(self) -> list[ContainerSummary]:
        """``GET /containers/json?all=1``, without sizes, and without those that the console looks through."""
        entries = self._list(self._ask("GET", "/containers/json", {"all": "1"}, self.timeout * 3, LIST_CAP))
        return list(_readable([entry for entry in entries if not is_looking(entry)], parse.container_summary))

    def container(self, container_id: str) -> Container | Unparsed:
        """``GET /containers/{id}/json``."""
        raw = self._inspect(f"/containers/{_key(container_id)}/json")
        return _parsed(raw, container_id, parse.container)

    def images(self) -> list[ImageSummary]:
        """``GET /images/json`` with and without ``all``: what is in the first list only is intermediate."""
        every = self._list(self._ask("GET", "/images/json", {"all": "1"}, self.timeout * 3, LIST_CAP))
        top = self._list(self._ask("GET", "/images/json", {}, self.timeout * 3, LIST_CAP))
        own = {summary.id: summary for summary in _readable(top, lambda entry: parse.image_summary(entry, False))}
        rest = _readable(every, lambda entry: parse.image_summary(entry, True))
        return [*own.values(), *(summary for summary in rest if summary.id not in own)]

    def image(self, image_id: str, intermediate: bool = False) -> Image | Unparsed:
        """``GET /images/{name}/json``."""
        raw = self._inspect(f"/images/{_key(image_id)}/json")
        return _parsed(raw, image_id, lambda found: parse.image(found, intermediate))

    def networks(self) -> list[Network | Unparsed]:
        """``GET /networks``: an entry says as much as an inspect."""
        entries = self._list(self._ask("GET", "/networks", {}, self.timeout * 3, LIST_CAP))
        return [_parsed(entry, _said_key(entry, "Id"), parse.network) for entry in entries]

    def network(self, network_id: str) -> Network | Unparsed:
        """``GET /networks/{id}``."""
        return _parsed(self._inspect(f"/networks/{_key(network_id)}"), network_id, parse.network)

    def volumes(self, driver: str = "") -> list[Volume | Unparsed]:
        """``GET /volumes``: an entry says as much as an inspect. ``driver``: of this one, and no other is asked."""
        params = {"filters": json.dumps({"driver": [driver]})} if driver else {}
        answer = self._object(self._ask("GET", "/volumes", params, self.timeout, LIST_CAP))
        entries = self._list(answer.get("Volumes"))
        return [_parsed(entry, _said_key(entry, "Name"), parse.volume) for entry in entries]

    def volume(self, name: str) -> Volume | Unparsed:
        """``GET /volumes/{name}``."""
        return _parsed(self._inspect(f"/volumes/{_key(name)}"), name, parse.volume)

    # -- a container's life -------------------------------------------------------------------------------------------

    def start(self, container_id: str) -> None:
        """``POST /containers/{id}/start``. ``AlreadySo`` if it runs."""
        self._act(container_id, "start", seconds=120.0)

    def stop(self, container_id: str, timeout: int | None = None) -> None:
        """``POST /containers/{id}/stop``. ``AlreadySo`` if it does not run.

        ``timeout``: seconds until the engine kills it; None is what the container says, or 10.
        """
        self._act(container_id, "stop", _grace(timeout), self._patience(container_id, timeout))

    def restart(self, container_id: str, timeout: int | None = None) -> None:
        """``POST /containers/{id}/restart``. ``timeout`` as for ``stop``."""
        self._act(container_id, "restart", _grace(timeout), self._patience(container_id, timeout))

    def kill(self, container_id: str, signal: str = "SIGKILL") -> None:
        """``POST /containers/{id}/kill``. ``Conflict`` if it does not run."""
        self._act(container_id, "kill", {"signal": signal}, 60.0)

    def pause(self, container_id: str) -> None:
        """``POST /containers/{id}/pause``."""
        self._act(container_id, "pause")

    def unpause(self, container_id: str) -> None:
        """``POST /containers/{id}/unpause``."""
        self._act(container_id, "unpause")

    def rename(self, container_id: str, name: str) -> None:
        """``POST /containers/{id}/rename``. ``Conflict`` if the name is taken."""
        self._act(container_id, "rename", {"name": name})

    def remove(self, container_id: str, force: bool = False, volumes: bool = False) -> None:
        """``DELETE /containers/{id}``. ``force`` kills a running one; ``volumes`` removes its anonymous volumes."""
        params = {"force": str(int(force)), "v": str(int(volumes))}
        self._ask("DELETE", f"/containers/{_key(container_id)}", params, 120.0)

    def update(self, container_id: str, changes: Mapping[str, Any]) -> tuple[str, ...]:
        """``POST /containers/{id}/update``: limits and restart policy; returns what the engine warns of."""
        answer = self.send("POST", f"/containers/{_key(container_id)}/update", changes, seconds=60.0)
        found = answer.get("Warnings")
        return tuple(text(str(line), 2048) for line in found) if isinstance(found, list) else ()

    # -- a volume's life --------------------------------------------------------------------------------------------

    def remove_volume(self, name: str) -> None:
        """``DELETE /volumes/{name}``. ``Conflict`` while a container uses it."""
        self._ask("DELETE", f"/volumes/{_key(name)}", seconds=60.0)

    # -- reads that are not mirrored ----------------------------------------------------------------------------------

    def raw_container(self, container_id: str) -> dict[str, Any]:
        """``GET /containers/{id}/json`` as it is, fit to be shown (see ``text.show``)."""
        return _shown(self._inspect(f"/containers/{_key(container_id)}/json"))

    def raw_image(self, image_id: str) -> dict[str, Any]:
        """``GET /images/{name}/json`` as it is, fit to be shown."""
        return _shown(self._inspect(f"/images/{_key(image_id)}/json"))

    def run_sources(self, container_id: str) -> tuple[Raw, Raw, Raw]:
        """Return what ``command.derive`` reads, exact and not fit to be shown.

        ``GET /containers/{id}/json``, ``GET /images/{name}/json`` of its image (empty if that is gone), ``GET /info``.
        """
        container = self._inspect(f"/containers/{_key(container_id)}/json")
        image_id = container.get("Image")
        try:
            image = self._inspect(f"/images/{_key(image_id)}/json") if isinstance(image_id, str) and image_id else {}
        except NotFound:
            image = {}
        return container, image, self._object(self._ask("GET", "/info", seconds=self.timeout * 2))

    def raw_network(self, network_id: str) -> dict[str, Any]:
        """``GET /networks/{id}`` as it is, fit to be shown."""
        return _shown(self._inspect(f"/networks/{_key(network_id)}"))

    def raw_volume(self, name: str) -> dict[str, Any]:
        """``GET /volumes/{name}`` as it is, fit to be shown."""
        return _shown(self._inspect(f"/volumes/{_key(name)}"))

    def health_log(self, container_id: str) -> tuple[HealthProbe, ...]:
        """Return the last health probes (``State.Health.Log``), oldest first."""
        return answers.health_log(self._inspect(f"/containers/{_key(container_id)}/json"))

    def top(self, container_id: str, ps_args: str = "") -> Top:
        """``GET /containers/{id}/top``, with arguments for the host's ``ps``. ``Conflict`` if it does not run."""
        path, params = f"/containers/{_key(container_id)}/top", {"ps_args": ps_args} if ps_args else {}
        return answers.top(self._object(self._ask("GET", path, params)))

    def changes(self, container_id: str) -> tuple[FilesystemChange, ...]:
        """``GET /containers/{id}/changes``."""
        return answers.changes(decode(self._ask("GET", f"/containers/{_key(container_id)}/changes", cap=LIST_CAP)))

    def has_path(self, container_id: str, path: str) -> bool:
        """``HEAD /containers/{id}/archive``: whether the container's file system has ``path``; it need not run."""
        try:
            self._ask("HEAD", f"/containers/{_key(container_id)}/archive", {"path": path})
        except NotFound:
            return False
        return True

    def image_history(self, image_id: str) -> tuple[HistoryEntry, ...]:
        """``GET /images/{name}/history``, newest first."""
        return answers.history(decode(self._ask("GET", f"/images/{_key(image_id)}/history")))

    def close(self) -> None:
        """Close every connection (calls that still run: when they end). Later calls raise ``Unreachable``."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for session in idle:
            session.close()

    def __enter__(self) -> EngineClient:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # -- for the modules beside this one ----------------------------------------------------------------------------

    def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        params: dict[str, str] | None = None,
        seconds: float | None = None,
        many: bool = False,
        any_json: bool = False,
    ) -> Any:
        """One request with a JSON body; its answer as decoded JSON: an object, a list with ``many``; {} for none."""
        sent = json.dumps(body).encode() if body is not None else None
        answer = self._ask(method, path, params, seconds, LIST_CAP if many else INSPECT_CAP, body=sent)
        if many:
            return self._list(answer)
        if not answer.strip():
            return {}
        return decode(answer) if any_json else self._object(answer)

    def headers(self, path: str, params: Mapping[str, str | bytes], seconds: float | None = None) -> Mapping[str, str]:
        """The headers of a ``HEAD`` request. Raises as every call; the engine gives no sentence of its own here."""
        prefix = f"/v{self.api_version()}"
        with translated(self.address), self._session() as session:
            status, found = session.head(prefix + path, params, seconds or self.timeout)
        raise_for(status, b"")
        return found

    # -- one call -----------------------------------------------------------------------------------------------------

    def _ask(
        self,
        method: str,
        path: str,
        params: dict[str, str] | None = None,
        seconds: float | None = None,
        cap: int = INSPECT_CAP,
        versioned: bool = True,
        body: bytes | None = None,
    ) -> bytes:
        """Send one request and return the body of a 2xx answer; raise the error that another status means."""
        version = self.api_version() if versioned else None
        status, answer = self._send(method, path, params or {}, seconds or self.timeout, cap, version, body)
        if version and status == 400 and b"client version" in answer:
            self._version = None  # another engine answers here now: agree on a version again
            version = self.api_version()
            status, answer = self._send(method, path, params or {}, seconds or self.timeout, cap, version, body)
        raise_for(status, answer)
        return answer

    def _send(
        self,
        method: str,
        path: str,
        params: dict[str, str],
        seconds: float,
        cap: int,
        version: str | None,
        body: bytes | None = None,
    ) -> tuple[int, bytes]:
        prefix = f"/v{version}" if version else ""
        try:
            with translated(self.address), self._session() as session:
                return session.request(method, prefix + path, params, seconds, cap, body)
        except Unreachable:
            self._version = None
            raise

    @contextmanager
    def _session(self) -> Iterator[Session]:
        """Lend a session to this thread: no two threads ever share one."""
        with self._lock:
            if self._closed:
                raise Unreachable("The connection to this engine was closed.")
            session = self._idle.pop() if self._idle else None
        if session is None:
            session = Session(self.address, NEWEST_VERSION)
        try:
            yield session
        finally:
            with self._lock:
                keep = not self._closed
                if keep:
                    self._idle.append(session)
            if not keep:
                session.close()

    def _negotiate(self, version: Raw) -> str:
        """Choose the newest API version that both sides speak; an engine that is too new is spoken to in its oldest."""
        newest, oldest = parse.api_version(version, "ApiVersion"), parse.api_version(version, "MinAPIVersion")
        if not newest:
            raise not_docker(self.address)
        if _number(newest) < _number(OLDEST_VERSION):
            raise Unsupported(f"This engine speaks API {newest}; the oldest one that works is {OLDEST_VERSION}.")
        chosen: str = min(newest, NEWEST_VERSION, key=_number)
        if oldest and _number(oldest) > _number(chosen):
            chosen = oldest
        self._version = chosen
        return chosen

    def _inspect(self, path: str) -> Raw:
        return self._object(self._ask("GET", path))

    def _act(
        self, container_id: str, verb: str, params: dict[str, str] | None = None, seconds: float | None = None
    ) -> None:
        path = f"/containers/{_key(container_id)}/{verb}"
        self._ask("POST", path, params, seconds or max(30.0, self.timeout), cap=1024 * 1024)

    def _patience(self, container_id: str, timeout: int | None) -> float:
        """Return the seconds to wait for a stop: the container's own grace where none is given, and some more."""
        if timeout is None:
            config = child(self._inspect(f"/containers/{_key(container_id)}/json"), "Config")
            timeout = integer(config, "StopTimeout", 86_400, default=STOP_GRACE)
        return (timeout if 0 <= timeout <= 86_400 else 86_400) + STOP_SLACK

    def _object(self, body: bytes) -> Raw:
        raw = decode(body)
        if not isinstance(raw, dict):
            raise Malformed("The engine's answer is not a JSON object.")
        return raw

    def _list(self, body: Any) -> list[Any]:
        raw = decode(body) if isinstance(body, bytes) else body
        if raw is None:
            return []
        if not isinstance(raw, list):
            raise Malformed("The engine's answer is not a JSON list.")
        if len(raw) > MAX_OBJECTS:
            raise Malformed(f"The engine listed {len(raw):,} objects.")
        return raw


def _readable(entries: list[Any], read: Callable[[Any], T]) -> Iterator[T]:
    """Parse a list's entries. One without an id has no key to be shown by: it is left out, and the log says so."""
    left_out = 0
    for entry in entries:
        try:
            yield read(entry)
        except Malformed:
            left_out += 1
    if left_out:
        logger.warning("An engine listed %d objects without a valid id.", left_out)


def _parsed(raw: Any, key: str, read: Callable[[Any], T]) -> T | Unparsed:
    """Parse one object; what cannot be parsed, or is another object than the one asked for, is ``Unparsed``."""
    try:
        found = read(raw)
        answered = str(getattr(found, "id", "") or getattr(found, "name", ""))
        if answered.removeprefix("sha256:") != key.removeprefix("sha256:"):
            raise Malformed(f"The engine answered with another object ({text(answered, 96)}).")
    except Malformed as error:
        return parse.unparsed(raw, key, error)
    return found


def _said_key(entry: Any, key: str) -> str:
    value = entry.get(key) if isinstance(entry, dict) else None
    return value if isinstance(value, str) and value else f"?{parse.digest(show(entry, 65_536))[:12]}"


def _shown(raw: Raw) -> dict[str, Any]:
    shown = show(raw)
    return shown if isinstance(shown, dict) else {}


def _key(value: str) -> str:
    """Return an id or name as one segment of a path."""
    if not value or not value.strip(".") or len(value) > 512 or not value.isprintable():
        raise Invalid(f"“{text(value, NAME)}” is not an id or a name.")
    return quote(value, safe="")


def _grace(timeout: int | None) -> dict[str, str]:
    return {} if timeout is None else {"t": str(timeout)}


def _number(version: str) -> tuple[int, int]:
    major, _, minor = version.partition(".")
    return int(major), int(minor or 0)
