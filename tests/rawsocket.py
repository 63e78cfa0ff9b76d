"""A websocket client that can do everything wrong: headers twice, frames of any shape. RFC 6455 by hand."""

from __future__ import annotations

import base64
import os
import re
import socket
import struct
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import quote

Headers = Iterable[tuple[str, bytes]]


@dataclass(frozen=True)
class Answer:
    """Status, headers (names in lower case) and body of an HTTP answer; and every Set-Cookie, which may be several."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: bytes


def exchange(port: int, raw: bytes) -> tuple[Answer, socket.socket]:
    """Send bytes and read one answer. The caller closes the socket."""
    client = socket.create_connection(("127.0.0.1", port), timeout=15)
    client.sendall(raw)
    received = b""
    while b"\r\n\r\n" not in received and (data := client.recv(65536)):
        received += data
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin1").split("\r\n")
    pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    headers, cookies = dict(pairs), [value for name, value in pairs if name == "set-cookie"]
    length = int(headers.get("content-length", -1))
    while (length < 0 or len(body) < length) and " 101 " not in f"{first} " and (data := client.recv(65536)):
        body += data
    return Answer(int(first.split()[1]) if first else 0, headers, cookies, body), client


def request(port: int, method: str, path: str, headers: Headers = (), body: bytes = b"") -> Answer:
    """One request, whose connection ends with it."""
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Connection: close"]
    lines += [name.encode() + b": " + value for name, value in headers]
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    answer, client = exchange(port, b"\r\n".join([*lines, b"", body]))
    client.close()
    return answer


def sign_in(port: int, name: str, password: str, headers: Headers) -> tuple[Answer, bytes]:
    """The answer to the sign-in form, and the session as a Cookie header (empty when it was refused)."""
    shown = request(port, "GET", "/login", headers)
    token = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', shown.body)
    assert token, shown
    form = f"login={quote(name)}&password={quote(password)}&csrfmiddlewaretoken={token[1].decode()}&next=/keys".encode()
    more = [("Content-Type", b"application/x-www-form-urlencoded"), ("Cookie", _pair(shown.cookies[0]))]
    answer = request(port, "POST", "/login", [*headers, *more], form)
    sessions = [_pair(cookie) for cookie in answer.cookies if cookie.partition("=")[0].endswith("quarterdeck")]
    return answer, sessions[0] if sessions else b""


def _pair(cookie: str) -> bytes:
    return cookie.partition(";")[0].encode()


def handshake(port: int, path: str, headers: Headers) -> tuple[int, socket.socket]:
    """Ask for a websocket; 101 means that it is open."""
    lines = [f"GET {path} HTTP/1.1".encode(), b"Upgrade: websocket", b"Connection: Upgrade"]
    lines += [b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16))]
    lines += [name.encode() + b": " + value for name, value in headers]
    answer, client = exchange(port, b"\r\n".join([*lines, b"", b""]))
    return answer.status, client


def refused(port: int, path: str, headers: Headers) -> int:
    """The status of a handshake, whose connection is closed again."""
    status, client = handshake(port, path, headers)
    with closing(client):
        return status


def frame(opcode: int, payload: bytes, *, final: bool = True, masked: bool = True, reserved: int = 0) -> bytes:
    """One frame; clients must mask theirs."""
    head = bytes([(0x80 if final else 0) | reserved << 4 | opcode])
    size, mask = len(payload), 0x80 if masked else 0
    if size < 126:
        head += bytes([mask | size])
    elif size < 65536:
        head += bytes([mask | 126]) + struct.pack("!H", size)
    else:
        head += bytes([mask | 127]) + struct.pack("!Q", size)
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


def pong(client: socket.socket, word: bytes) -> bool:
    """Whether the other side answers a ping; what it says besides is passed over."""
    client.sendall(frame(0x9, word))
    received = b""
    while frame(0xA, word, masked=False) not in received:
        try:
            data = client.recv(65536)
        except OSError:
            return False
        if not data:
            return False
        received += data
    return True


def closing_code(client: socket.socket) -> int | None:
    """Read until the other side closes; its code, None when it just hung up."""
    received = b""
    while True:
        try:
            data = client.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            break
        received += data
    at = received.rfind(b"\x88")
    return struct.unpack("!H", received[at + 2 : at + 4])[0] if at >= 0 and len(received) >= at + 4 else None
