"""``manage.py mirror``: how fresh the mirror is, and with ``--verify`` whether it is exact."""

from __future__ import annotations

import json
import logging
import time
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from console.engine.errors import EngineError
from console.models import Engine
from console.outages import away, one_line
from console.sync.columns import MIRRORS
from console.sync.verify import Difference, verify

AGAIN = 0.5  # seconds between two comparisons
SHOWN = 160  # characters of a value


class Command(BaseCommand):
    help = "Say how fresh the mirror of each engine is; compare it with the engines."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--engine", metavar="SLUG", help="only this engine")
        parser.add_argument(
            "--verify",
            action="store_true",
            help="inspect everything; exit 1 if the mirror differs, 2 if the database is away",
        )
        parser.add_argument("--within", type=float, default=0.0, metavar="S", help="compare again for so many seconds")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises SystemExit 1 where a mirror differs or an engine is away, 2 where the database is."""
        pool = logging.getLogger("psycopg.pool")  # it would warn of each attempt, beside the line below
        level = pool.level
        pool.setLevel(logging.ERROR)
        try:
            self._tell(options)
        except (OperationalError, InterfaceError) as error:
            if away(error) != "database":
                raise
            self.stderr.write(f"The database does not answer, so nothing could be compared: {one_line(error)}")
            raise SystemExit(2) from None
        finally:
            pool.setLevel(level)

    def _tell(self, options: dict[str, Any]) -> None:
        engines = Engine.objects.all()
        if options["engine"]:
            engines = engines.filter(slug=options["engine"])
            if not engines.exists():
                raise CommandError(f"There is no engine “{options['engine']}”.")
        reports, exact = [], True
        for engine in engines:
            report = _freshness(engine)
            if options["verify"]:
                try:
                    differences = _settled(engine, options["within"])
                except (EngineError, ValueError) as error:
                    report["error"], exact = str(error), False
                else:
                    report = _freshness(Engine.objects.get(pk=engine.pk))
                    report["differences"] = [asdict(found) for found in differences]
                    exact = exact and not differences
            reports.append(report)
        if options["json"]:
            self.stdout.write(json.dumps(reports, indent=2))
        else:
            for report in reports:
                self._show(report)
        if not exact:
            raise SystemExit(1)

    def _show(self, report: dict[str, Any]) -> None:
        counts = ", ".join(f"{count} {kind}s" for kind, count in report["objects"].items())
        age = "never seen" if report["seen"] is None else f"seen {report['seen']:.1f} s ago"
        self.stdout.write(f"{report['engine']}: {report['state']}, {age}, version {report['version']}; {counts}")
        if report["error"]:
            self.stdout.write(f"  {report['error']}")
        if "differences" in report:
            self.stdout.write(f"  {len(report['differences'])} differences")
            for found in report["differences"]:
                field = f" {found['field']}" if found["field"] else ""
                values = f"mirrored {_short(found['mirrored'])}, actual {_short(found['actual'])}"
                self.stdout.write(f"  {found['kind']} {found['name']} ({found['id'][:19]}){field}: {values}")


def _settled(engine: Engine, within: float) -> list[Difference]:
    """Compare until nothing differs or the time is over; the last comparison counts."""
    end = time.monotonic() + within
    while True:
        try:
            differences = verify(engine)
        except EngineError:
            if time.monotonic() >= end:
                raise
        else:
            if not differences or time.monotonic() >= end:
                return differences
        time.sleep(AGAIN)


def _freshness(engine: Engine) -> dict[str, Any]:
    return {
        "engine": engine.slug,
        "state": engine.state,
        "seen": _age(engine.seen_at),
        "synced": _age(engine.synced_at),
        "version": engine.version,
        "error": engine.error,
        "objects": {kind: m.model._base_manager.filter(engine=engine).count() for kind, m in MIRRORS.items()},
    }


def _age(at: datetime | None) -> float | None:
    return None if at is None else round((timezone.now() - at).total_seconds(), 3)


def _short(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= SHOWN else shown[:SHOWN] + "…"
