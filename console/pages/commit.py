"""The dialog that makes an image of a container."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.urls import reverse

from console.models import Container, Engine
from console.operations.commit_params import CommitParams
from console.operations.params import InvalidParams
from console.operations.verbs import VERBS

VERB: Final = VERBS["container.commit"]


class CommitDialog:
    """What the dialog shows. ``data``: what was typed; None when it was just opened."""

    def __init__(self, engine: Engine, container: Container, data: Mapping[str, Any] | None) -> None:
        self.engine, self.container, self.data = engine, container, data

    @property
    def params(self) -> CommitParams:
        """As far as they can be read, for the command."""
        try:
            return CommitParams.read(self.data or {})
        except InvalidParams:
            return CommitParams()

    def context(self, errors: Mapping[str, str]) -> dict[str, Any]:
        """Of ``containers/_dialog_commit.html``."""
        data = self.data if self.data is not None else {"pause": "1"}
        return {
            "engine": self.engine,
            "container": self.container,
            "verb": VERB,
            "action": reverse("container-commit", args=[self.engine.slug, self.container.container_id]),
            "title": f"Make an image of {self.container.name}",
            "typed": data,
            "errors": errors,
            "volumes": [mount.destination for mount in self.container.mounts.all()],
            "command": VERB.command(self.container.name, self.params),
        }
