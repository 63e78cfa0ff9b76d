"""The origin check for websockets: exact scheme, host and port.

Channels' ``AllowedHostsOriginValidator`` ignores port and scheme, so that a page published by a container on the same
host would pass (docs/security.md, H4).
"""

from __future__ import annotations

from typing import Any

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import split_domain_port, validate_host


class SameOrigin:
    """Lets a websocket pass when it has one Origin and one Host header, the host is ours, and Origin is scheme://Host.

    Behind a proxy the origin is that of ``QUARTERDECK_URL``.
    """

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        if scope["type"] != "websocket":
            raise ValueError("SameOrigin guards websockets only")
        application: Any = self.application if allowed(scope) else WebsocketDenier()
        return await application(scope, receive, send)


def allowed(scope: dict[str, Any]) -> bool:
    """Whether the handshake comes from a page of this console (RFC 6454 §7: the origin is compared whole)."""
    headers: list[tuple[bytes, bytes]] = scope.get("headers", [])
    origins = [value for name, value in headers if name.lower() == b"origin"]
    hosts = [value for name, value in headers if name.lower() == b"host"]
    if len(origins) != 1 or len(hosts) != 1:
        return False
    if settings.PUBLIC_URL:
        return origins[0] == settings.PUBLIC_URL.encode()
    scheme = {"ws": b"http", "wss": b"https"}.get(scope.get("scheme", "ws"))
    # A name that leads here without being ours would match itself: its owner can point it at any address.
    domain, _ = split_domain_port(hosts[0].decode("latin-1"))
    if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
        return False
    return scheme is not None and origins[0] == scheme + b"://" + hosts[0]
