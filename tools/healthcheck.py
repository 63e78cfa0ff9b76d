"""The container's health check: asks ``/healthz`` of the console beside it. Status 0 when it answers 200."""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Mapping
from urllib.parse import urlsplit


def healthy(environ: Mapping[str, str]) -> bool:
    """Whether the console answers. With a public address it knows itself by that name only."""
    public = urlsplit(environ.get("QUARTERDECK_URL", ""))
    name = environ.get("QUARTERDECK_HOSTS", "").split(",")[0] or public.hostname or "127.0.0.1"
    connection = http.client.HTTPConnection("127.0.0.1", int(environ.get("PORT") or 8000), timeout=4)
    try:
        connection.request("GET", "/healthz", headers={"Host": name.lstrip("*.") or "127.0.0.1"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if healthy(os.environ) else 1)
