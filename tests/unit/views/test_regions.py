"""What a page's socket has read again is a region, never a page within the page."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests import factories

TABS = (
    "container",
    "container-inspect",
    "container-logs",
    "container-terminal",
    "container-stats",
    "container-processes",
)


@pytest.mark.django_db
@pytest.mark.parametrize("tab", [*TABS, "container-changes", "container-files"])
def test_a_tab_of_a_container_answers_its_region(client: Client, tab: str) -> None:
    factories.container(factories.engine("here"), "web")
    client.force_login(factories.user())
    headers = {"HX-Request": "true", "HX-Source": "div#live"}
    answer = client.get(reverse(tab, args=["here", "web"]), headers=headers)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert 'id="object"' in text
    assert 'id="nav"' not in text
    assert "<html" not in text
