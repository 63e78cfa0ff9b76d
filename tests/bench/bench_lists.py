"""The list of containers, as a signed-in browser gets it, against ``docker ps -a``. Called by ``bench_mirror``."""

from __future__ import annotations

from tests.bench import table
from tests.bench.stand import stand
from tests.engines import PrivateEngine

FIRST, ALL = "list page, 100 rows", "all pages, 1,000 rows"


def measure(private: PrivateEngine, containers: int, rounds: int) -> list[table.Line]:
    """One page as it is opened, and all pages as the pager asks for them, against the command of the whole list."""

    def ps() -> None:
        assert len(private.docker("ps", "-a").splitlines()) == containers + 1

    with stand(private) as console, console.browser() as browser:
        console.until("SELECT COUNT(*) FROM console_container", containers)
        path, pages = f"/e/{console.slug}/containers", containers // 100

        def page() -> None:
            assert browser.get(path).count(b'<tr id="c-') == 100

        def every_page() -> None:
            fragment = {"HX-Request": "true"}
            rows = [browser.get(f"{path}?page={number}", **fragment) for number in range(1, pages + 1)]
            assert sum(one.count(b'<tr id="c-') for one in rows) == containers

        taken = table.rounds({FIRST: page, ALL: every_page, "docker ps -a": ps}, rounds)
    return [
        table.paired(taken, FIRST, "docker ps -a", "≤ 0.12"),
        table.paired(taken, ALL, "docker ps -a", "≤ 0.6"),
    ]
