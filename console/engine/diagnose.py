"""Why an engine does not answer, in one clear sentence."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import re
import shutil
import socket
import ssl
import time
from collections.abc import Callable, Iterator

from console.engine.address import Address
from console.engine.errors import EngineError, Unreachable

_ANSWER = 64 * 1024
_HTTPS = b"http request to an https server"  # how Go's servers say that they speak TLS


def diagnose(address: Address, timeout: float = 2.0) -> Unreachable | None:
    """Ask the engine at ``address`` for a sign of life and say what is wrong; None if it answers.

    Blocks for at most about twice ``timeout`` seconds.
    """
    answer = b""
    try:
        with _connect(address, timeout) as connection:
            end = time.monotonic() + timeout
            connection.sendall(b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")
            while not _enough(answer) and (chunk := connection.recv(4096)):
                answer += chunk
                connection.settimeout(max(0.001, end - time.monotonic()))
    except OSError as error:
        if b"\r\n\r\n" not in answer:
            return first_contact(address, explain(address, error))
    return judge(address, answer)


def _enough(answer: bytes) -> bool:
    """Whether what came so far tells what answers there."""
    if len(answer) > _ANSWER or b"HTTP/1."[: len(answer)] != answer[:7]:
        return True
    head, separator, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *([0-9]{1,9})", head)
    return bool(separator) and (
        b"\r\napi-version:" in head.lower() or (length is not None and len(body) >= int(length[1]))
    )


def judge(address: Address, answer: bytes) -> Unreachable | None:
    """Say what the raw HTTP ``answer`` to ``GET /_ping`` tells: None for an engine's."""
    head, _, body = answer.partition(b"\r\n\r\n")
    head = head.lower()
    if _HTTPS in body.lower():
        return _expects_tls(address)
    if not head.startswith(b"http/1."):
        return not_docker(address)
    status = head[9:12]
    if b"\r\napi-version:" in head or (status == b"200" and body.strip().endswith(b"OK")):
        return None
    return not_docker(address)


def first_contact(address: Address, error: Unreachable) -> Unreachable:
    """Return what ``error`` means when a ping got it: a TLS engine may just hang up on a certificate it refuses."""
    if error.problem != "lost" or address.tls is None:
        return error
    return Unreachable(
        f"The TLS connection to {_place(address)} was closed at once: it may want another client certificate.", "tls"
    )


def refused_ping(address: Address, error: EngineError) -> Unreachable:
    """Return what it means that ``GET /_ping``, which no engine refuses, was refused as ``error`` says."""
    return _expects_tls(address) if _HTTPS.decode() in error.message.lower() else not_docker(address)


def _expects_tls(address: Address) -> Unreachable:
    return Unreachable(f"{_place(address)} expects TLS, and the address is set up without it.", "tls")


def not_docker(address: Address) -> Unreachable:
    """Return the error for an address where something other than a Docker engine answers."""
    return Unreachable(f"What answers at {_place(address)} is not a Docker engine.", "wrong-address")


def explain(address: Address, error: BaseException) -> Unreachable:
    """Return the ``Unreachable`` that a failed connection to ``address`` means.

    ``error`` may be a wrapper of requests, urllib3 or aiohttp: the operating system's error is looked up in its causes.
    """
    chain = list(_causes(error))
    place = _place(address)
    for cause in chain:  # aiohttp's wrappers are SSL errors without a reason
        if isinstance(cause, ssl.SSLCertVerificationError) and getattr(cause, "verify_message", None):
            reason = cause.verify_message.rstrip(".")
            return Unreachable(f"The certificate of {place} is not accepted: {reason}.", "tls")
        if isinstance(cause, ssl.SSLError) and getattr(cause, "reason", None):
            return Unreachable(f"The TLS connection to {place} failed: {_ssl_reason(cause)}.", "tls")
    for cause in chain:
        if isinstance(cause, socket.gaierror):
            return Unreachable(f"No machine is known by the name {address.host}.", "wrong-address")
        if isinstance(cause, TimeoutError):
            return timed_out(address)
        if isinstance(cause, OSError) and cause.errno is not None:
            found = _from_errno(address, cause)
            if found:
                return found
    return Unreachable(f"The connection to {place} was lost.", "lost")


def timed_out(address: Address) -> Unreachable:
    """Return the error for an engine that is there and does not answer in time."""
    return Unreachable(f"{_place(address)} does not answer in time.", "timeout")


def _from_errno(address: Address, error: OSError) -> Unreachable | None:
    place, path = _place(address), address.socket_path
    if path is None:
        if error.filename is not None:
            return Unreachable(f"The TLS file {error.filename} cannot be read.", "tls")
        if error.errno == errno.ECONNREFUSED:
            return Unreachable(f"{place} refuses the connection: no engine listens there.", "wrong-address")
        if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EINVAL):
            return Unreachable(f"There is no route to {place}.", "wrong-address")
        return None
    if error.errno in (errno.EACCES, errno.EPERM):
        return _no_permission(path)
    if error.errno == errno.ENOENT:
        named = address.source == "DOCKER_HOST" or address.source.startswith("context ")
        if named and not os.path.isdir(os.path.dirname(path)):
            return Unreachable(f"{address.source} names {path}, and there is no such folder.", "wrong-address")
        return _absent(address, path)
    if error.errno == errno.ECONNREFUSED:
        return Unreachable(f"The engine is not running: nothing listens on {path}.", "not-running")
    if error.errno in (errno.ENOTSOCK, errno.ENOTDIR, errno.EISDIR, errno.EPROTOTYPE):
        return Unreachable(f"{path} is not an engine's socket.", "wrong-address")
    return None


def _absent(address: Address, path: str) -> Unreachable:
    if any(_installed(program) for program in ("dockerd", "podman", "dockerd-rootless.sh")):
        return Unreachable(f"The engine is installed and not running: there is no socket {path}.", "not-running")
    return Unreachable(f"No Docker engine is installed on this machine: there is no socket {path}.", "not-installed")


def _installed(program: str) -> bool:
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin"))
    return shutil.which(program, path=path) is not None


def _no_permission(path: str) -> Unreachable:
    user = _name(lambda: pwd.getpwuid(os.geteuid()).pw_name, str(os.geteuid()))
    try:
        owner = os.stat(path).st_gid
    except OSError:
        return Unreachable(f"The user {user} may not enter the folder of {path}.", "no-permission")
    group = _name(lambda: grp.getgrgid(owner).gr_name, str(owner))
    return Unreachable(
        f"The user {user} may not open {path}: it belongs to the group {group}, of which {user} is not a member.",
        "no-permission",
    )


def _name(look_up: Callable[[], str], otherwise: str) -> str:
    try:
        return look_up()
    except KeyError:
        return otherwise


def _place(address: Address) -> str:
    return address.socket_path or address.url.removeprefix("tcp://")


def _ssl_reason(error: ssl.SSLError) -> str:
    reason = (error.reason or "no common ground").replace("_", " ").lower()
    if reason in ("wrong version number", "record layer failure"):
        return "the other side does not speak TLS"
    if "certificate required" in reason or "bad certificate" in reason:
        return "it asks for a client certificate that it accepts"
    return reason


def _connect(address: Address, timeout: float) -> socket.socket:
    if address.socket_path is not None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(timeout)
            connection.connect(address.socket_path)
        except OSError:
            connection.close()
            raise
        return connection
    context = address.ssl_context()
    connection = socket.create_connection((address.host, address.port), timeout)
    if context is None:
        return connection
    try:
        return context.wrap_socket(connection, server_hostname=address.host)
    except OSError:
        connection.close()
        raise


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and everything it was raised from, wraps in its arguments, or names as its reason."""
    todo, seen = [error], set[int]()
    while todo and len(seen) < 32:
        current = todo.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inner = (current.__cause__, current.__context__, getattr(current, "reason", None), *current.args)
        todo += [found for found in inner if isinstance(found, BaseException)]
