"""Which page stands behind ``view=`` in the address of the page socket."""

from __future__ import annotations

from typing import Final

from console.pages.container import ContainerPage
from console.pages.containers import ContainerList
from console.pages.live import LiveView
from console.pages.operations import OperationList, OperationPage

# Name in the address → class. A page that is kept live has its row here.
LIVE_VIEWS: Final[dict[str, type[LiveView]]] = {
    "containers": ContainerList,
    "container": ContainerPage,
    "operations": OperationList,
    "operation": OperationPage,
}
