"""The container's health check against a server that answers, one that fails, and none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tools.healthcheck import healthy


class Handler(BaseHTTPRequestHandler):
    status = 200
    hosts: list[str] = []

    def do_GET(self) -> None:
        self.hosts.append(self.headers["Host"])
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    Handler.status, Handler.hosts = 200, []
    with HTTPServer(("127.0.0.1", 0), Handler) as one:
        thread = threading.Thread(target=one.serve_forever)
        thread.start()
        yield one
        one.shutdown()
        thread.join()


def test_it_is_healthy_when_the_console_answers(server: HTTPServer) -> None:
    assert healthy({"PORT": str(server.server_port)})
    Handler.status = 503
    assert not healthy({"PORT": str(server.server_port)})


def test_it_asks_by_the_name_that_the_console_knows(server: HTTPServer) -> None:
    port = {"PORT": str(server.server_port)}
    healthy(port | {"QUARTERDECK_URL": "https://console.example.org:8443"})
    healthy(port | {"QUARTERDECK_HOSTS": "*.example.net,x"})
    assert Handler.hosts == ["console.example.org", "example.net"]


def test_it_is_unhealthy_without_a_console() -> None:
    assert not healthy({"PORT": "1"})
