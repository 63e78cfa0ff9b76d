"""Which page stands behind ``view=`` in the address of the page socket."""

from __future__ import annotations

from typing import Final

from console.pages.audit import AuditList
from console.pages.container import ContainerPage
from console.pages.containers import ContainerList
from console.pages.dashboard import Dashboard
from console.pages.engine import EnginePage
from console.pages.events import EventList
from console.pages.image import ImageDetail
from console.pages.images import ImageList
from console.pages.live import LiveView
from console.pages.network import NetworkDetail
from console.pages.network_map import NetworkMap
from console.pages.networks import NetworkList
from console.pages.operations import OperationList, OperationPage
from console.pages.ports import PortsPage
from console.pages.setup import SetupPage
from console.pages.storage import StorageList
from console.pages.volume import VolumeDetail
from console.pages.volumes import VolumeList

# Name in the address → class. A page that is kept live has its row here.
LIVE_VIEWS: Final[dict[str, type[LiveView]]] = {
    "containers": ContainerList,
    "container": ContainerPage,
    "images": ImageList,
    "image": ImageDetail,
    "networks": NetworkList,
    "network": NetworkDetail,
    "network-map": NetworkMap,
    "ports": PortsPage,
    "volumes": VolumeList,
    "volume-mounts": StorageList,
    "volume": VolumeDetail,
    "events": EventList,
    "audit": AuditList,
    "engine": EnginePage,
    "dashboard": Dashboard,
    "setup": SetupPage,
    "operations": OperationList,
    "operation": OperationPage,
}
