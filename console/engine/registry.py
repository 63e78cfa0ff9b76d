"""Questions to a registry, by its HTTP API (distribution spec): is it one, what has it, what is a tag now, delete.

The console itself asks only hosts that an admin entered; images come through the engine. One deadline a question,
bounds on every answer. Credentials go to the registry's own host and port and to the token server that the admin named:
no answer leads elsewhere, neither by a redirect nor by the ``realm`` of a challenge.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import socket
import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from urllib.parse import SplitResult, parse_qs, quote, urlencode, urljoin, urlsplit

from console.engine.dial import Forbidden, dial
from console.engine.text import text
from console.engine.transport import Deadline, _Response

SECONDS: Final = 10.0  # of one question, with its tokens and redirects
PAGE: Final = 100  # names asked for at once
MOST_NAMES: Final = 1000  # names of one answer that are believed
LONGEST_ANSWER: Final = 4 * 1024 * 1024  # bytes
MOST_REDIRECTS: Final = 3
HUB: Final = "docker.io"
HUB_API: Final = "registry-1.docker.io"
HUB_TOKENS: Final = "auth.docker.io"
MANIFESTS: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_NAME: Final = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+|/)[a-z0-9]+)*")  # no “..”, which leads to other paths
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_PART: Final = re.compile(r'([a-zA-Z_]+)\s*=\s*"([^"]{0,2000})"')
_LINK: Final = re.compile(r'<([^<>]{1,2000})>\s*;[^,]*\brel="?next"?')


@dataclass(frozen=True, slots=True)
class Registry:
    """Where a registry is and who asks. ``host``: as in a reference, "registry.example:5000" or "docker.io"."""

    host: str
    username: str = ""
    secret: str = field(default="", repr=False)
    ca: str = ""  # PEM; "": the system's
    plain_http: bool = False
    auth_server: str = ""  # host, or host:port; "": the registry itself

    @property
    def place(self) -> str:
        """The host and port that are asked."""
        return HUB_API if self.host == HUB else self.host

    @property
    def tokens(self) -> str:
        """The other host that may be given the credentials, or ""."""
        return HUB_TOKENS if self.host == HUB else self.auth_server


class RegistryError(Exception):
    """It cannot be asked, refuses or makes no sense. ``sentence``: the console's; ``said``: the registry's own words.

    ``reason``: unreachable, tls, denied, missing, off (it does not allow it), elsewhere, garbage, failed.
    """

    def __init__(self, reason: str, sentence: str, said: str = "") -> None:
        super().__init__(sentence)
        self.reason, self.sentence, self.said = reason, sentence, said


@dataclass(frozen=True, slots=True)
class Names:
    """One page of names. ``next``: what ``last`` is for the page after it, or ""."""

    names: tuple[str, ...]
    next: str = ""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


class RegistryClient:
    """Asks one registry. For one thread at a time; keeps nothing open between questions."""

    def __init__(self, registry: Registry, seconds: float = SECONDS) -> None:
        self.registry, self.seconds = registry, seconds
        self._deadline = Deadline()
        self._words: dict[str, str] = {}  # the Authorization header for each scope

    @property
    def asked_for_credentials(self) -> bool:
        """Whether an answer so far wanted a password or a token."""
        return bool(self._words)

    def check(self) -> None:
        """``GET /v2/``: it is a registry and accepts the credentials. Raises ``RegistryError``."""
        answer = self._ask("GET", "/v2/", "")
        if answer.status == 404:
            raise RegistryError("garbage", "What answers there is no registry: it does not know /v2/.")
        self._fine(answer)

    def catalog(self, last: str = "", most: int = PAGE) -> Names:
        """``GET /v2/_catalog``: names of repositories after ``last``. Many registries do not allow it ("off")."""
        query = {"n": str(most)} | ({"last": last} if last else {})
        answer = self._ask("GET", f"/v2/_catalog?{urlencode(query)}", "registry:catalog:*")
        if answer.status in (401, 403, 404, 405):
            raise RegistryError("off", "It does not list its repositories.", _said(answer))
        return self._names(answer, "repositories", _NAME)

    def tags(self, repository: str, last: str = "", most: int = PAGE) -> Names:
        """``GET /v2/<name>/tags/list``: tags after ``last``."""
        query = {"n": str(most)} | ({"last": last} if last else {})
        path = f"/v2/{_path(repository)}/tags/list?{urlencode(query)}"
        return self._names(self._ask("GET", path, _pull(repository)), "tags", _TAG)

    def digest(self, repository: str, reference: str) -> str:
        """``HEAD /v2/<name>/manifests/<reference>``: the digest of a tag now. Raises "missing" if there is no such tag.

        A registry that does not say it in a header is asked for the manifest, whose hash it is.
        """
        path = f"/v2/{_path(repository)}/manifests/{quote(reference, safe=':')}"
        answer = self._ask("HEAD", path, _pull(repository))
        self._fine(answer)
        found = str(answer.headers.get("Docker-Content-Digest") or "").strip()
        if not found:
            answer = self._ask("GET", path, _pull(repository))
            self._fine(answer)
            found = f"sha256:{hashlib.sha256(answer.body).hexdigest()}"
        if not _DIGEST.fullmatch(found):
            raise RegistryError("garbage", "The registry's answer has no digest that can be read.", text(found, 200))
        return found

    def delete(self, repository: str, digest: str) -> None:
        """``DELETE /v2/<name>/manifests/<digest>``: the manifest, and with it every tag that names it."""
        if not _DIGEST.fullmatch(digest):
            raise ValueError(digest)
        path = f"/v2/{_path(repository)}/manifests/{digest}"
        answer = self._ask("DELETE", path, f"repository:{repository}:pull,delete")
        if answer.status == 405:
            raise RegistryError(
                "off", "The registry does not allow deleting (its setting storage.delete.enabled).", _said(answer)
            )
        self._fine(answer)

    # -- answers ------------------------------------------------------------------------------------------------------

    def _fine(self, answer: _Answer) -> None:
        """Return for 2xx. Raises what another status means."""
        if 200 <= answer.status < 300:
            return
        said = _said(answer)
        if answer.status in (401, 403):
            known = self.registry.username
            sentence = "The registry does not accept the credentials." if known else "The registry wants credentials."
            raise RegistryError("denied", sentence, said)
        if answer.status == 404:
            raise RegistryError("missing", "The registry has no such repository or tag.", said)
        if answer.status == 405:
            raise RegistryError("off", "The registry does not allow it.", said)
        if answer.status == 429:
            raise RegistryError("failed", "The registry was asked too often: it wants a pause.", said)
        raise RegistryError("failed", f"The registry answered {answer.status}.", said)

    def _names(self, answer: _Answer, key: str, form: re.Pattern[str]) -> Names:
        self._fine(answer)
        found = _object(answer.body).get(key)
        if found is not None and not isinstance(found, list):
            raise _garbage()
        named = [name for name in found or [] if isinstance(name, str) and len(name) < 256 and form.fullmatch(name)]
        following = _LINK.search(str(answer.headers.get("Link") or ""))
        last = parse_qs(_split(following[1]).query).get("last", [""])[0] if following else ""
        return Names(tuple(named[:MOST_NAMES]), last[:300])

    # -- one question -------------------------------------------------------------------------------------------------

    def _ask(self, method: str, path: str, scope: str) -> _Answer:
        """Ask, with a token or a password if that is wanted. Raises ``RegistryError``."""
        registry = self.registry
        self._deadline.start(self.seconds)
        base = f"{'http' if registry.plain_http else 'https'}://{registry.place}"
        answer = self._follow(method, base + path, self._words.get(scope, ""))
        if answer.status != 401:
            return answer
        words = self._authorization(str(answer.headers.get("WWW-Authenticate") or ""), scope)
        if not words:
            return answer
        self._words[scope] = words
        return self._follow(method, base + path, words)

    def _follow(self, method: str, url: str, words: str) -> _Answer:
        """Send a request; a redirect is followed within the same scheme, host and port only."""
        headers = {"Accept": ", ".join(MANIFESTS)} if "/manifests/" in url else {"Accept": "application/json"}
        if words:
            headers["Authorization"] = words
        for _ in range(MOST_REDIRECTS + 1):
            answer = self._send(method, url, headers)
            if answer.status not in (301, 302, 303, 307, 308):
                return answer
            to = _joined(url, str(answer.headers.get("Location") or ""))
            if _origin(to) != _origin(url):
                other = text(urlsplit(to).netloc.rpartition("@")[2], 100) or "nowhere"
                raise RegistryError("elsewhere", f"It sends the console on to {other}: that is not followed.")
            url = to
        raise RegistryError("elsewhere", "It sends the console in circles.")

    def _authorization(self, challenge: str, scope: str) -> str:
        """The header that answers a challenge, or "" if there is none to give."""
        registry = self.registry
        basic = b64encode(f"{registry.username}:{registry.secret}".encode()).decode() if registry.username else ""
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() == "basic":
            return f"Basic {basic}" if basic else ""
        if scheme.lower() != "bearer":
            return ""
        parts = dict(_PART.findall(rest))
        realm = _split(str(parts.get("realm", "")))
        self._may_ask(realm.scheme, realm.netloc)
        query = [(name, parts[name]) for name in ("service",) if name in parts]
        wanted = str(parts.get("scope") or scope)
        query += [("scope", one) for one in wanted.split(" ") if one]
        query += [("account", registry.username)] if basic else []
        url = f"{realm.scheme}://{realm.netloc}{realm.path}?{urlencode(query)}"
        answer = self._send("GET", url, {"Authorization": f"Basic {basic}"} if basic else {})
        if answer.status in (400, 401, 403):
            raise RegistryError("denied", "The registry does not accept the credentials.", _said(answer))
        if answer.status != 200:
            raise RegistryError("failed", f"Its token server answered {answer.status}.", _said(answer))
        found = _object(answer.body)
        token = found.get("token") or found.get("access_token")
        if not isinstance(token, str) or not re.fullmatch(r"[!-~]{1,65536}", token):
            raise _garbage()
        return f"Bearer {token}"

    def _may_ask(self, scheme: str, place: str) -> None:
        """Raises ``RegistryError`` unless a realm is the registry's own place, or that of the named token server."""
        registry = self.registry
        if scheme not in ("https", "http") or not place or "@" in place:
            raise RegistryError("garbage", "It wants a token, but its answer does not say from where.")
        if scheme == "http" and not registry.plain_http:
            raise RegistryError("elsewhere", "It wants the credentials over plain HTTP: they are not sent.")
        ours = {_place(scheme, registry.place)} | ({_place(scheme, registry.tokens)} if registry.tokens else set())
        if _place(scheme, place) not in ours:
            raise RegistryError(
                "elsewhere",
                f"It wants a token from {text(place, 100)}, another host: nothing is sent there unless it is entered "
                "as the token server of this registry.",
            )

    def _send(self, method: str, url: str, headers: Mapping[str, str]) -> _Answer:
        parts = urlsplit(url)
        connection = _Connection(parts.hostname or "", _port(parts.scheme, parts.netloc), self._deadline)
        try:
            connection.secure = self._context() if parts.scheme == "https" else None
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            own = {"Accept-Encoding": "identity", "User-Agent": "quarterdeck"}
            connection.request(method, target, headers={**headers, **own})
            with connection.getresponse() as response:
                return _answer(response, method)
        except RegistryError:
            raise
        except Exception as error:
            raise _explained(error, self.registry) from error
        finally:
            connection.close()

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.registry.ca or None)


class _Connection(http.client.HTTPConnection):
    """To one looked-at address, every read ending at the deadline; with ``secure`` over TLS."""

    def __init__(self, host: str, port: int, deadline: Deadline) -> None:
        super().__init__(host, port)
        self.secure: ssl.SSLContext | None = None
        self.deadline = deadline
        self.response_class = partial(_Response, deadline)  # type: ignore[assignment]

    def connect(self) -> None:
        self.sock: socket.socket = dial(self.host, self.port, self.deadline.left())
        self.sock.settimeout(self.deadline.left())
        if self.secure is not None:
            self.sock = self.secure.wrap_socket(self.sock, server_hostname=self.host)


def _answer(response: http.client.HTTPResponse, method: str) -> _Answer:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise _garbage()
    body = b"" if method == "HEAD" else response.read(LONGEST_ANSWER + 1)
    if len(body) > LONGEST_ANSWER:
        raise RegistryError("garbage", "The registry's answer is too large.")
    if response.length and method != "HEAD":
        raise http.client.IncompleteRead(body, response.length)
    return _Answer(response.status, response.headers, body)


def _explained(error: Exception, registry: Registry) -> RegistryError:
    """What a failed connection means, as a sentence."""
    where = registry.place
    if isinstance(error, Forbidden):
        return RegistryError("elsewhere", f"{text(str(error), 200)}.")
    if isinstance(error, ssl.SSLCertVerificationError):
        why = text(error.verify_message or "", 200)
        return RegistryError("tls", f"The certificate of {where} is not trusted: {why}. A private CA can be entered.")
    if isinstance(error, ssl.SSLError) and "WRONG_VERSION" in str(error):
        return RegistryError("tls", f"{where} does not speak TLS: it is asked over plain HTTP only when marked so.")
    if isinstance(error, ssl.SSLError):
        return RegistryError("tls", f"No TLS connection with {where}.", text(str(error), 300))
    if isinstance(error, TimeoutError):
        return RegistryError("unreachable", f"{where} did not answer in time.")
    if isinstance(error, socket.gaierror):
        return RegistryError("unreachable", f"There is no host {where.partition(':')[0]}.")
    if isinstance(error, ConnectionRefusedError):
        return RegistryError("unreachable", f"Nothing answers at {where}.")
    if isinstance(error, http.client.IncompleteRead | ConnectionError):
        return RegistryError("unreachable", f"{where} ended the connection in the middle of its answer.")
    if isinstance(error, http.client.HTTPException | ValueError):
        return _garbage()
    if isinstance(error, OSError):
        return RegistryError("unreachable", f"{where} cannot be reached.", text(str(error), 300))
    raise error


def _garbage() -> RegistryError:
    return RegistryError("garbage", "The registry's answer makes no sense.")


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _garbage() from error
    if not isinstance(found, dict):
        raise _garbage()
    return found


def _said(answer: _Answer) -> str:
    """The registry's own words in an answer that refuses, or ""."""
    try:
        errors = json.loads(answer.body[:65_536]).get("errors")
        first = errors[0]
        return text(": ".join(str(first[key]) for key in ("code", "message") if first.get(key)), 500)
    except (ValueError, RecursionError, AttributeError, TypeError, IndexError, KeyError):
        return ""


def _split(url: str) -> SplitResult:
    """The parts of an address that a registry gave. Raises ``RegistryError`` for what is none."""
    try:
        return urlsplit(url)
    except ValueError as error:
        raise _garbage() from error


def _joined(url: str, to: str) -> str:
    """Where a redirect leads. Raises ``RegistryError`` for what is no address."""
    try:
        return urljoin(url, to)
    except ValueError as error:
        raise _garbage() from error


def _path(repository: str) -> str:
    if not _NAME.fullmatch(repository) or len(repository) > 255:
        raise RegistryError("missing", "That is no name of a repository.")
    return repository


def _pull(repository: str) -> str:
    return f"repository:{repository}:pull"


def _port(scheme: str, place: str) -> int:
    return urlsplit(f"//{place}").port or (443 if scheme == "https" else 80)


def _place(scheme: str, place: str) -> tuple[str, int]:
    try:
        return (urlsplit(f"//{place}").hostname or "").lower(), _port(scheme, place)
    except ValueError:
        return "", 0


def _origin(url: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(url)
        return parts.scheme, (parts.hostname or "").lower(), _port(parts.scheme, parts.netloc)
    except ValueError:
        return "", "", 0
