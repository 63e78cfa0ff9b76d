"""Websocket routes. The last one refuses what is unknown, so that a scanner leaves no traceback in the log."""

from __future__ import annotations

from typing import Any

from django.urls import re_path

from console.consumers.log_search import LogSearchConsumer
from console.consumers.logs import LogConsumer
from console.consumers.page import PageConsumer
from console.consumers.refuse import RefuseConsumer
from console.consumers.shell import AttachConsumer, ShellConsumer
from console.consumers.stats import StatsConsumer


def _route(pattern: str, consumer: Any, name: str) -> Any:
    return re_path(pattern, consumer.as_asgi(), name=name)


websocket_urlpatterns: list[Any] = [
    _route(r"^ws/e/(?P<slug>[-\w]+)$", PageConsumer, "ws-page"),
    _route(r"^ws/e/(?P<slug>[-\w]+)/logs$", LogConsumer, "ws-logs"),
    _route(r"^ws/e/(?P<slug>[-\w]+)/logs/search$", LogSearchConsumer, "ws-log-search"),
    _route(r"^ws/e/(?P<slug>[-\w]+)/containers/(?P<container_id>[0-9a-f]{64})/shell$", ShellConsumer, "ws-shell"),
    _route(r"^ws/e/(?P<slug>[-\w]+)/containers/(?P<container_id>[0-9a-f]{64})/attach$", AttachConsumer, "ws-attach"),
    _route(r"^ws/e/(?P<slug>[-\w]+)/stats$", StatsConsumer, "ws-stats"),
    _route(r"^ws/page$", PageConsumer, "ws-console"),
    _route(r"^", RefuseConsumer, "ws-refuse"),
]
