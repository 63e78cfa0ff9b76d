"""Addresses of objects' pages: by name where a name fits, so that a recreated object keeps its address, else by id."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.urls import reverse

from console.docker_words import short_id
from console.filters import quoted

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_ID: Final = re.compile(r"[0-9a-f]{12,64}")


@dataclass(frozen=True, slots=True)
class Link:
    """An object's name and its page."""

    name: str
    url: str


def reference(name: str, object_id: str) -> str:
    """The name if it can stand in an address and is no id, else the id."""
    return name if _NAME.fullmatch(name) and not _ID.fullmatch(name) else object_id or "-"


def container_url(slug: str, name: str, container_id: str, page: str = "container") -> str:
    """A container's page."""
    return reverse(page, args=[slug, reference(name, container_id)])


def image_url(slug: str, image_id: str, page: str = "image") -> str:
    """An image's page, by the digits of its id."""
    return reverse(page, args=[slug, short_id(image_id) or "-"])


def network_url(slug: str, name: str, network_id: str, page: str = "network") -> str:
    """A network's page."""
    return reverse(page, args=[slug, reference(name, network_id)])


def volume_url(slug: str, name: str, page: str = "volume") -> str:
    """A volume's page."""
    return reverse(page, args=[slug, name or "-"])


def filtered(view: str, slug: str, key: str, value: str) -> str:
    """A list filtered by one term."""
    return f"{reverse(view, args=[slug])}?{urlencode({'q': f'{key}:{quoted(value)}'})}"


def query_of(key: str, value: str) -> str:
    """The query string of a filter with one term."""
    return urlencode({"q": f"{key}:{quoted(value)}"})


def query(text: str) -> str:
    """The query string of a whole filter."""
    return urlencode({"q": text})
