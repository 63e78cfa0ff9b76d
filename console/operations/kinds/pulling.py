"""What the messages of a pull or a push say about its layers, in numbers and words for a page."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from console import docker_words
from console.engine.text import text

MOST_LAYERS: Final = 300
MOST_LINES: Final = 100
WINDOW: Final = 5.0  # seconds over which the speed is measured
MOVING: Final = frozenset({"Downloading", "Pushing"})
READY: Final = frozenset({"Pull complete", "Already exists", "Pushed", "Layer already exists"})
HERE: Final = frozenset({"Verifying Checksum", "Download complete", "Extracting", *READY})


@dataclass(slots=True)
class Layer:
    """One layer: its last status, bytes that came, bytes that it has (0: not known)."""

    status: str
    current: int = 0
    total: int = 0
    unpacked: int = 0

    @property
    def percent(self) -> int:
        """For its bar."""
        if self.status in HERE:
            return 100
        return min(100, 100 * self.current // self.total) if self.total else 0

    @property
    def words(self) -> str:
        """Beside its bar: "Downloading 16.6 of 43.9 MB"."""
        if self.status in MOVING and self.total:
            return f"{self.status} {docker_words.size(self.current)} of {docker_words.size(self.total)}"
        if self.status == "Extracting" and self.total:
            return f"Extracting {docker_words.size(self.unpacked)} of {docker_words.size(self.total)}"
        return f"{self.status} {docker_words.size(self.total)}" if self.total else self.status

    @property
    def tone(self) -> str:
        """The class of its bar."""
        return "done" if self.status in READY else "two" if self.status in HERE else ""


class Layers:
    """Takes the messages of one pull; bounded, whatever the engine says."""

    def __init__(self) -> None:
        self.layers: dict[str, Layer] = {}
        self.lines: deque[str] = deque(maxlen=MOST_LINES)
        self.digest = ""
        self.fresh = True  # something new came
        self._seen: deque[tuple[float, int]] = deque(maxlen=200)

    def take(self, message: Mapping[str, Any]) -> None:
        """One more message."""
        status = text(message.get("status") or "", 300)
        name = text(message.get("id") or "", 80)
        if status.startswith("Digest: "):
            self.digest = status.removeprefix("Digest: ").strip()
        if "up to date" in status:
            self.fresh = False
        aux = message.get("aux")
        if isinstance(aux, dict) and isinstance(aux.get("Digest"), str):
            self.digest = text(aux["Digest"], 100)  # of a push
        detail = message.get("progressDetail")
        if not name or detail is None:
            if status:
                self.lines.append(f"{name}: {status}" if name else status)
            return
        if name not in self.layers and len(self.layers) >= MOST_LAYERS:
            return
        layer = self.layers.setdefault(name, Layer(status))
        if status != layer.status and status in (*READY, "Download complete"):
            self.lines.append(f"{name}: {status}")
        layer.status = "Layer already exists" if status.startswith("Mounted from ") else status
        if isinstance(detail, dict):
            self._sizes(layer, detail)

    def _sizes(self, layer: Layer, detail: Mapping[str, Any]) -> None:
        current, total = detail.get("current"), detail.get("total")
        if not isinstance(current, int) or isinstance(current, bool):
            current = 0
        if isinstance(total, int) and total > 0 and layer.status in MOVING:
            layer.total = total
        if layer.status == "Extracting":
            layer.unpacked = max(0, current)
        elif layer.status in MOVING:
            layer.current = max(0, min(current, layer.total or current))

    @property
    def came(self) -> int:
        """Bytes of all layers that are here."""
        return sum(layer.total if layer.status in HERE else layer.current for layer in self.layers.values())

    def shown(self, now: float | None = None) -> dict[str, Any]:
        """For ``Work.progress``: percent, text, speed, layers, complete, lines."""
        moment = time.monotonic() if now is None else now
        total, came = sum(layer.total for layer in self.layers.values()), self.came
        self._seen.append((moment, came))
        while self._seen and moment - self._seen[0][0] > WINDOW:
            self._seen.popleft()
        done = sum(layer.status in READY for layer in self.layers.values())
        values: dict[str, Any] = {
            "layers": [
                {"id": name, "percent": layer.percent, "text": layer.words, "tone": layer.tone}
                for name, layer in self.layers.items()
            ],
            "complete": done,
            "speed": self._speed(moment, came, total),
            "lines": list(self.lines),
        }
        if total:
            values["percent"] = 100 * came // total
            values["text"] = f"{docker_words.size(came)} of {docker_words.size(total)}"
        elif self.layers:
            values["text"] = f"{done} of {len(self.layers)} layers"
        return values

    def _speed(self, moment: float, came: int, total: int) -> str:
        if not self._seen or came >= total:
            return ""
        began, before = self._seen[0]
        if moment - began < 0.5 or came <= before:
            return "waiting for the registry" if moment - began >= WINDOW / 2 else ""
        rate = (came - before) / (moment - began)
        left = (total - came) / rate
        words = f"{left:.0f} s" if left < 100 else f"{left / 60:.0f} min"
        return f"{docker_words.size(rate)}/s, about {words} left"
