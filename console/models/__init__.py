"""The mirror and what belongs to the console itself. One writer per table: see docs/architecture.md."""

from console.models.containers import Container, Endpoint, Mount
from console.models.engines import Engine
from console.models.events import Event
from console.models.images import Image, ImageTag, RemoteTag
from console.models.networks import Network
from console.models.operations import Operation, OperationOutput
from console.models.people import AuditEntry, User
from console.models.registries import Registry
from console.models.shells import Shell
from console.models.volumes import Volume

__all__ = [
    "AuditEntry",
    "Container",
    "Endpoint",
    "Engine",
    "Event",
    "Image",
    "ImageTag",
    "Mount",
    "Network",
    "Operation",
    "OperationOutput",
    "Registry",
    "RemoteTag",
    "Shell",
    "User",
    "Volume",
]
