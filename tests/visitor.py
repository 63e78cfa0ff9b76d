"""A person at a console process by HTTP: pages, forms, files in pieces; and what memory the console takes meanwhile."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import requests

from tests.bench.stand import Stand

OPEN: Final = ("queued", "running")


class Visitor:
    """An admin's session at the console of a stand."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self._http = requests.Session()
        self._http.trust_env = False
        mine = stand.headers()
        self._http.headers.update(mine)
        self._token = self.get("operations").cookies.get("quarterdeck-csrf", "")
        self._http.headers["Cookie"] = f"{mine['Cookie']}; quarterdeck-csrf={self._token}"

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *error: object) -> None:
        self._http.close()

    def _at(self, path: str) -> str:
        base = self.stand.console.url
        return f"{base}{path}" if path.startswith("/") else f"{base}/e/{self.stand.slug}/{path}"

    def get(self, path: str, **more: Any) -> requests.Response:
        """A page of the engine (``volumes/x/files?path=/``), or of the console (with a leading slash)."""
        return self._http.get(self._at(path), timeout=60, **more)

    def post(self, path: str, data: dict[str, str] | bytes, **more: Any) -> requests.Response:
        """Send a form or a body; redirects are not followed."""
        headers = {"X-CSRFToken": self._token, "Referer": self._at(path)}
        return self._http.post(self._at(path), data, headers=headers, timeout=120, allow_redirects=False, **more)

    def send(self, pieces: Iterator[bytes], size: int) -> str:
        """Send a file as the upload page's script does; its token."""
        begun = self.post("/uploads", {"size": str(size)}).json()
        at = 0
        for piece in pieces:
            answer = self.post(f"/uploads/{begun['token']}?at={at}", piece)
            assert answer.status_code == 200, answer.text
            at = answer.json()["at"]
        assert at == size
        return str(begun["token"])

    def done(self, answer: requests.Response, seconds: float = 300.0) -> tuple[str, str]:
        """State and result of the operation that was asked for last, when it has ended."""
        assert answer.status_code in (302, 303), answer.text[-3000:]
        newest = "FROM console_operation ORDER BY created_at DESC LIMIT 1"
        end = time.monotonic() + seconds
        while self.stand.row(f"SELECT state {newest}") in OPEN:
            assert time.monotonic() < end, self.stand.row(f"SELECT progress {newest}")
            time.sleep(0.1)
        return str(self.stand.row(f"SELECT state {newest}")), str(self.stand.row(f"SELECT result {newest}"))

    def download(self, path: str) -> tuple[int, str]:
        """Size and SHA-256 of what comes."""
        size, summed = 0, hashlib.sha256()
        with self.get(path, stream=True) as answer:
            assert answer.status_code == 200, answer.status_code
            for piece in answer.iter_content(1024 * 1024):
                size += len(piece)
                summed.update(piece)
        return size, summed.hexdigest()


@contextmanager
def memory(stand: Stand, every: float = 0.1) -> Iterator[list[int]]:
    """Resident bytes of all the console's processes while the block runs: the first is how it was before."""
    samples, stop = [stand.rss()], threading.Event()

    def watch() -> None:
        while not stop.wait(every):
            samples.append(stand.rss())

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield samples
    finally:
        stop.set()
        watching.join()
