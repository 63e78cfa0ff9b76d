"""The network map of 60 containers on 12 networks: what a page of it costs the server, and its parts.

    python -m tests.bench.bench_map

Rows in a scratch database, requests through Django's own client: no network, no browser.
"""

from __future__ import annotations

import os
import random
import statistics
import tempfile
from collections.abc import Callable, Sequence

from tests.bench import table

CONTAINERS, NETWORKS, ROUNDS = 60, 12, 40


def furnish() -> None:
    """An engine with networks and containers, a third of them on two or three networks, a third publishing."""
    from datetime import timedelta

    from tests import factories

    chance = random.Random(1)
    engine = factories.engine("bench")
    factories.user("admin")
    networks = []
    for number in range(1, NETWORKS + 1):
        pools = [{"subnet": f"10.{number}.0.0/16", "gateway": f"10.{number}.0.1"}]
        made = factories.NOW + timedelta(minutes=number)
        networks.append(factories.network(engine, f"network-{number}", ipam=pools, created_at=made))
    taken = dict.fromkeys(range(NETWORKS), 2)
    for number in range(CONTAINERS):
        port = {"container_port": 80, "protocol": "tcp", "host_ip": "127.0.0.1", "host_port": 8000 + number}
        box = factories.container(engine, f"container-{number}", ports=[port] if number % 3 == 0 else [])
        for at in chance.sample(range(NETWORKS), chance.choice([1, 1, 2, 3]) if number % 3 == 1 else 1):
            address = f"10.{at + 1}.0.{taken[at]}"
            taken[at] += 1
            factories.endpoint(box, networks[at], endpoint_id="e" * 64, ipv4_address=address)


def median(run: Callable[[], object]) -> str:
    """The median of the rounds, and the slowest of nine in ten."""
    run()
    taken = sorted(table.seconds(run) * 1000 for _ in range(ROUNDS))
    return f"{statistics.median(taken):.1f} ms, p90 {taken[ROUNDS * 9 // 10]:.1f} ms"


def measure() -> Sequence[table.Value]:
    """Page, picture alone, layout alone."""
    from django.http import QueryDict
    from django.template.loader import render_to_string
    from django.test import Client

    from console.models import Engine, User
    from console.pages.network_map import NetworkMap
    from console.topology.draw import draw
    from console.topology.shapes import Sheet

    furnish()
    client, user, engine = Client(), User.objects.get(), Engine.objects.get()
    client.force_login(user)

    def shown() -> NetworkMap:
        return NetworkMap(user, engine, QueryDict("open=all"))

    def picture() -> str:
        drawn = shown()
        return render_to_string("networks/_map_svg.html", {"d": drawn.drawing, "engine": engine, "map": drawn})

    def page() -> bytes:
        answer = client.get("/e/bench/networks/map?open=all", headers={"Host": "localhost"})
        assert answer.status_code == 200
        return bytes(answer.content)

    assert picture().count('class="node') == CONTAINERS
    graph = shown().graph
    sheet = Sheet(frozenset(box.key for box in graph.boxes), None)
    return [
        table.Value(
            f"map of {CONTAINERS} containers on {NETWORKS} networks: layout", median(lambda: draw(graph, sheet))
        ),
        table.Value("the same: rows, layout and picture", median(picture), "< 50 ms"),
        table.Value("the same: the whole page with its table", median(page)),
        table.Value("the same: size of the page", f"{len(page()) / 1000:.0f} kB"),
    ]


def main() -> None:
    """Measure in a folder of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ |= {"QUARTERDECK_DATA": scratch, "DJANGO_SETTINGS_MODULE": "console.settings"}
        import django
        from django.conf import settings
        from django.core.management import call_command

        django.setup()
        settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
        call_command("migrate", verbosity=0)
        table.show_values("Network map", measure())


if __name__ == "__main__":
    main()
