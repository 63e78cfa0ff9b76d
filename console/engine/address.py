"""Where an engine is: the address from the environment, the Docker contexts, or the usual sockets."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import re
import socket
import ssl
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from console.engine.text import text

DEFAULT_SOCKET = "/var/run/docker.sock"
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,252}[A-Za-z0-9])?\.?")


@dataclass(frozen=True, slots=True)
class TLS:
    """Files and strictness of a TLS connection: CA to trust (None: the system's), client certificate and key."""

    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    verify: bool = True

    def check(self) -> None:
        """Raise an ``OSError`` that names the first file which cannot be read."""
        for path in (self.ca, self.cert, self.key):
            if path is not None:
                with open(path, "rb"):
                    pass


@dataclass(frozen=True, slots=True)
class Address:
    """One engine's address: ``unix:///path`` or ``tcp://host:port`` (with ``tls``: over TLS).

    ``source`` says where it was found: "DOCKER_HOST", "context NAME", "default socket", "rootless", "podman".
    """

    url: str
    tls: TLS | None = None
    source: str = ""

    @property
    def socket_path(self) -> str | None:
        """The path of the Unix socket, or None for TCP."""
        return self.url.removeprefix("unix://") if self.url.startswith("unix://") else None

    @property
    def host(self) -> str:
        """The TCP host name or address (without brackets), or the empty string."""
        return "" if self.socket_path else urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The TCP port, or 0."""
        return 0 if self.socket_path else urlsplit(self.url).port or 0

    @property
    def insecure(self) -> bool:
        """Whether calls cross a network without TLS: whoever can read them can rule the engine's host."""
        if self.socket_path or self.tls:
            return False
        try:
            return not ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host != "localhost"

    def ssl_context(self) -> ssl.SSLContext | None:
        """Return the TLS context for this address, or None without TLS. Raises OSError for files that do not serve."""
        if self.tls is None:
            return None
        self.tls.check()
        context = ssl.create_default_context(cafile=self.tls.ca)
        if not self.tls.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.tls.cert and self.tls.key:
            context.load_cert_chain(self.tls.cert, self.tls.key)
        return context


def normalise(url: str) -> str:
    """Return an engine address in its one canonical form; raise ``ValueError`` with a sentence for what is none.

    ``unix:///path``, ``tcp://host:port`` (``http`` is the same) and ``https://host:port`` (TLS) are addresses.
    The port is 2375 by default, 2376 for ``https``.
    """
    shown = text(url, 200)
    if not url or re.search(r"[\x00-\x20\x7f]", url):
        raise ValueError(f"“{shown}” is not an engine address: it is empty or has blanks in it.")
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator:
        raise ValueError(f"“{shown}” is not an engine address: it starts with neither unix:// nor tcp://.")
    if scheme == "unix":
        path = os.path.normpath("/" + rest.lstrip("/")) if rest else DEFAULT_SOCKET
        if path == "/" or len(os.fsencode(path)) > 107:
            raise ValueError(f"“{shown}” does not name a socket (a path of at most 107 bytes).")
        return f"unix://{path}"
    if scheme in ("ssh", "npipe", "fd"):
        raise ValueError(f"“{shown}” uses {scheme}://, which this console does not speak: use unix:// or tcp://.")
    if scheme not in ("tcp", "http", "https"):
        raise ValueError(f"“{shown}” is not an engine address: use unix:///path or tcp://host:port.")
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"“{shown}” has no valid host and port.") from None
    if parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(f"“{shown}” has more than a host and a port.")
    try:
        host = f"[{ipaddress.IPv6Address(host)}]" if ":" in host else host
    except ValueError:
        raise ValueError(f"“{shown}” has no valid host.") from None
    if not host.startswith("[") and not _HOST.fullmatch(host):
        raise ValueError(f"“{shown}” has no valid host.")
    if port == 0:
        raise ValueError(f"“{shown}” has no valid port.")
    scheme = "https" if scheme == "https" else "tcp"
    return f"{scheme}://{host}:{port or (2376 if scheme == 'https' else 2375)}"


def address(url: str, tls: TLS | None = None, source: str = "") -> Address:
    """Return the ``Address`` of a URL that a person or the environment gave. Raises ``ValueError`` as ``normalise``."""
    canonical = normalise(url)
    if canonical.startswith("unix:"):
        return Address(canonical, None, source)
    if canonical.startswith("https:"):
        return Address("tcp" + canonical.removeprefix("https"), tls or TLS(), source)
    if tls is not None and urlsplit(url).port is None:
        canonical = canonical.removesuffix(":2375") + ":2376"
    return Address(canonical, tls, source)


def discover(environ: Mapping[str, str]) -> Address:
    """Return the engine to use: ``DOCKER_HOST``, else the Docker context in use, else the first usual socket.

    Among the sockets the first that accepts a connection wins, then the first that exists, then the default one, so
    that the page which explains an unreachable engine has something to explain. Raises ``ValueError`` with a sentence
    where ``DOCKER_HOST`` or the context names something that is no address.
    """
    chosen = _from_environment(environ) or _from_context(environ)
    if chosen:
        return chosen
    sockets = list(_sockets(environ))
    present = [found for found in sockets if _is_socket(found)]
    return next((found for found in present if _accepts(found)), (present or sockets)[0])


def candidates(environ: Mapping[str, str]) -> list[Address]:
    """Return every address that ``discover`` considers, in order, whether or not an engine is there."""
    found: list[Address] = []
    for source in (_from_environment, _from_context):
        try:
            chosen = source(environ)
        except ValueError:
            chosen = None
        if chosen:
            found.append(chosen)
    return [*found, *_sockets(environ)]


def _from_environment(environ: Mapping[str, str]) -> Address | None:
    host = environ.get("DOCKER_HOST", "").strip()
    if not host:
        return None
    tls = None
    if environ.get("DOCKER_TLS_VERIFY") or environ.get("DOCKER_TLS"):
        folder = Path(environ.get("DOCKER_CERT_PATH") or _config_folder(environ))
        tls = _tls_files(folder, verify=bool(environ.get("DOCKER_TLS_VERIFY")))
    try:
        return address(host, tls, "DOCKER_HOST")
    except ValueError as error:
        raise ValueError(f"DOCKER_HOST: {error}") from None


def _from_context(environ: Mapping[str, str]) -> Address | None:
    folder = _config_folder(environ)
    name = environ.get("DOCKER_CONTEXT") or _read_json(folder / "config.json").get("currentContext")
    if not isinstance(name, str) or name in ("", "default"):
        return None
    key = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    label = f"context {text(name, 200)}"
    meta: Any = _read_json(folder / "contexts" / "meta" / key / "meta.json")
    for part in ("Endpoints", "docker"):
        meta = meta.get(part) if isinstance(meta, dict) else None
    host = meta.get("Host") if isinstance(meta, dict) else None
    if not isinstance(host, str) or not host:
        raise ValueError(f"The Docker {label} does not exist or names no engine.")
    certificates = folder / "contexts" / "tls" / key / "docker"
    tls = _tls_files(certificates, verify=not meta.get("SkipTLSVerify")) if certificates.is_dir() else None
    try:
        return address(host, tls, label)
    except ValueError as error:
        raise ValueError(f"Docker {label}: {error}") from None


def _sockets(environ: Mapping[str, str]) -> Iterator[Address]:
    yield Address(f"unix://{DEFAULT_SOCKET}", None, "default socket")
    runtime, home = environ.get("XDG_RUNTIME_DIR", ""), environ.get("HOME", "")
    own = f"/run/user/{os.getuid()}"
    rootless = [f"{runtime}/docker.sock" if runtime else "", f"{own}/docker.sock"]
    rootless += [f"{home}/.docker/run/docker.sock", f"{home}/.docker/desktop/docker.sock"] if home else []
    podman = [
        "/run/podman/podman.sock",
        f"{runtime}/podman/podman.sock" if runtime else "",
        f"{own}/podman/podman.sock",
    ]
    seen: set[str] = set()
    for source, paths in (("rootless", rootless), ("podman", podman)):
        for path in paths:
            if path and path not in seen and os.path.isabs(path):
                seen.add(path)
                yield Address(f"unix://{path}", None, source)


def _config_folder(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("DOCKER_CONFIG") or Path(environ.get("HOME") or os.path.expanduser("~")) / ".docker")


def _tls_files(folder: Path, verify: bool) -> TLS:
    ca, cert, key = (str(folder / f"{name}.pem") for name in ("ca", "cert", "key"))
    both = os.path.exists(cert) and os.path.exists(key)
    return TLS(ca if verify or os.path.exists(ca) else None, cert if both else None, key if both else None, verify)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            value = json.loads(file.read(4 * 1024 * 1024).decode("utf-8", "replace"))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _is_socket(found: Address) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(found.socket_path or "").st_mode)
    except PermissionError:
        return True
    except OSError:
        return False


def _accepts(found: Address) -> bool:
    """Whether somebody listens (or might: a socket that we may not open is still the engine's)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(found.socket_path or "")
        except (PermissionError, TimeoutError, BlockingIOError):
            return True
        except OSError:
            return False
    return True
