"""A volume driver for an engine: ``python -m tests.hanging_plugin SOCKET SIGN``. It hangs while the file SIGN is there.

The engine finds it as a socket in /run/docker/plugins; its protocol is Docker's volume plugin protocol.
"""

from __future__ import annotations

import json
import socketserver
import sys
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Final

VOLUMES: Final[list[str]] = []


class Handler(BaseHTTPRequestHandler):
    """One call of the engine."""

    sign: Path

    def do_POST(self) -> None:
        """Answer, or hang."""
        given = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        what = self.path.rpartition(".")[2]
        while what != "Activate" and self.sign.exists():
            time.sleep(0.2)
        answer = json.dumps(self.answer(what, given.get("Name", ""))).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.docker.plugins.v1.1+json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def answer(self, what: str, name: str) -> dict[str, Any]:
        """What the protocol wants."""
        match what:
            case "Activate":
                return {"Implements": ["VolumeDriver"]}
            case "Create":
                VOLUMES.append(name)
            case "Remove":
                VOLUMES.remove(name)
            case "List":
                return {"Volumes": [{"Name": one, "Mountpoint": "/tmp"} for one in VOLUMES], "Err": ""}
            case "Get" if name in VOLUMES:
                return {"Volume": {"Name": name, "Mountpoint": "/tmp"}, "Err": ""}
            case "Get":
                return {"Err": "no such volume"}
            case "Capabilities":
                return {"Capabilities": {"Scope": "local"}}
        return {"Err": ""}

    def address_string(self) -> str:
        """A unix socket has none."""
        return "engine"

    def log_message(self, *arguments: Any, **named: Any) -> None:
        """Nothing."""


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """A thread a call."""

    daemon_threads = True


def main() -> None:
    """Serve until killed."""
    path = Path(sys.argv[1])
    Handler.sign = Path(sys.argv[2])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    Server(str(path), Handler).serve_forever()


if __name__ == "__main__":
    main()
