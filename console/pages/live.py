"""What a page must give to be kept live by the page socket (``consumers.page``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from django.http import QueryDict

from console.models import Engine, User

RESYNC: Final = "resync"  # in place of HTML: the page reads its regions again


class LiveView(Protocol):
    """A page as the socket sees it; made anew for every batch of changes, so that it holds no rows.

    ``kinds``: the kinds of ``changes.Kind`` that it shows, "operation" for operations, "beat" where it says when an
    engine was last seen (every two seconds; a page of one engine is read again when that engine's state changes).
    The constructor takes the page's own query string and raises ``Http404`` or ``PermissionDenied`` through ``access``.
    """

    kinds: frozenset[str]

    def __init__(self, user: User, engine: Engine | None, params: QueryDict) -> None: ...

    def changed(self, kind: str, ids: Sequence[str] | None) -> str:
        """HTML with out-of-band parts for the objects that changed; ``ids`` None: many.

        Returns "" when the page shows none of them, ``RESYNC`` when reading its regions again is the better answer.
        """
        ...
