"""Origins that must not pass for a console at ``http://HOST``: everything that looks like it and is not."""

from __future__ import annotations

from urllib.parse import quote


def foreign_origins(host: str) -> list[bytes | None]:
    """Origin headers (None: no header) that a console reached at ``host`` ("name:port") refuses."""
    name, _, port = host.rpartition(":")
    other = str(int(port) + 1)
    texts = [
        "", "null", f"http://{name}", f"http://{name}:80", f"http://{name}:{other}", f"https://{host}",
        f"https://{name}", f"ws://{host}", f"wss://{host}", f"http://{host}/", f"http://{host}/e/", f"http://{host}?",
        f"http://{host}#", f"http://{host}.evil.test", f"http://{name}.evil.test:{port}", "http://evil.test",
        f"http://evil.test:{port}", f"http://evil.test/{host}", f"http://evil.test?{host}", f"http://evil.test#{host}",
        f"http://{host}@evil.test", f"http://{host}%40evil.test", f"http://user@{host}", f"http://user:pw@{host}",
        f"http://@{host}", f"http://sub.{host}", f"http://x{host}", f"http://{name[:-1]}:{port}",
        f"http://{name}.:{port}", f"http://{name.upper()}x:{port}", f"HTTP://{host}", f"Http://{host}", f"http:{host}",
        f"http:/{host}", f"http:///{host}", f"//{host}", host, f"http://{name}:0{port}", f"http://{name}:{port}0",
        f"http://{name}:+{port}", f"http://{name}:{port},http://evil.test", f"http://{host} http://evil.test",
        f"http://evil.test http://{host}", "http://[::1]", f"http://[::1]:{port}", f"http://[::ffff:127.0.0.1]:{port}",
        f"http://2130706433:{port}", f"http://0x7f.1:{port}", f"http://0.0.0.0:{port}", "file://", f"file://{host}",
        f"chrome-extension://{host}", f"moz-extension://{host}", "data:", "about:blank", f"http://xn--{name}:{port}",
        f"http://{quote(name[:1])}%2e{name[1:]}:{port}", f"http://{host}\\", f"http://{host}\\@evil.test", "*",
        f"http://*:{port}", "same-origin",
    ]  # fmt: skip
    return [None, f"http://{host}\xf6".encode(), *(text.encode() for text in texts)]
