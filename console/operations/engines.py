"""What is decided about an engine itself."""

from __future__ import annotations

from console import access
from console.models import Engine, User
from console.sync import identity


def accept_newcomer(user: User, engine: Engine, found_id: str) -> bool:
    """Take the engine that answers at the address now for ``engine`` from now on. For admins.

    ``found_id``: the identity that the person saw. Returns False when there is nothing to decide any more, or another
    newcomer than the one seen. Raises ``PermissionDenied``.
    """
    access.require(user, "admin")
    return identity.confirm(engine.pk, found_id)
