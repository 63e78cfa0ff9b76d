"""One object of every kind for the permission matrix: one of our engine, one of another engine, one that is nowhere."""

from __future__ import annotations

from typing import TypeAlias

from console.models import Image, Registry, User
from tests import factories

# Kind of object: {"own", "foreign", "missing": what stands for it in an address}
World: TypeAlias = dict[str, dict[str, str]]


def build() -> World:
    """Make the rows, and the people ``admin`` and ``viewer``. Addresses name the engine ``here``."""
    here, other = factories.engine("here"), factories.engine("other")
    admin = factories.user("admin", User.Role.ADMIN)
    factories.user("viewer", User.Role.VIEWER)
    own = factories.container(here, "own", project="shop")
    foreign = factories.container(other, "foreign", project="elsewhere")
    factories.image(here, "own:latest")
    image, image2 = Image.objects.get(), factories.image(other, "foreign:latest")
    net, net2 = factories.network(here, "own-net"), factories.network(other, "foreign-net")
    factories.volume(here, "own-volume")
    factories.volume(other, "foreign-volume")
    operation = factories.operation(here, admin, name="own")
    registry = Registry.objects.create(host="127.0.0.1:1")  # nothing answers there
    missing = factories.hexid("missing")
    nowhere = "00000000-0000-0000-0000-000000000000"
    return {
        "": {"own": ""},
        "engine": {"own": "here", "missing": "nowhere"},
        "container": {"own": own.container_id, "foreign": foreign.container_id, "missing": missing},
        "project": {"own": "shop", "foreign": "elsewhere", "missing": "nothing"},
        "image": {"own": image.image_id, "foreign": image2.image_id, "missing": f"sha256:{missing}"},
        "network": {"own": net.network_id, "foreign": net2.network_id, "missing": missing},
        "volume": {"own": "own-volume", "foreign": "foreign-volume", "missing": "no-volume"},
        "registry": {"own": str(registry.pk), "missing": "987654"},
        "operation": {"own": str(operation.pk), "missing": nowhere},
    }
