"""The mirror's rows of a real engine, inspected once, for tests of pages that need no worker."""

from __future__ import annotations

from console.engine.client import EngineClient
from console.models import Container, Engine, Network
from console.sync import reconcile


def mirror(row: Engine, client: EngineClient) -> None:
    """Make the containers and networks of ``row`` what they are on the engine now."""
    containers = [client.container(summary.id) for summary in client.containers()]
    networks = client.networks()
    Container.objects.filter(engine=row).delete()
    Network.objects.filter(engine=row).delete()
    reconcile.apply(row.pk, "container", containers, fence=0)
    reconcile.apply(row.pk, "network", networks, fence=0)
