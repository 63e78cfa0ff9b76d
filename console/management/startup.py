"""What must be true before the console listens: schema, static files, first admin, the engine's row, one process.

Every step is cheap when there is nothing to do, and safe to repeat.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import IO, Final

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from console.engine.address import Address, discover
from console.models import Engine, User

THREADS: Final = 32  # of a process, for blocking calls: engines, and the database from coroutines
_POSTGRES_LOCK = 0x51D3C  # any number: who holds it migrates


class StartupError(Exception):
    """The console cannot start; the text is one sentence for the person at the terminal."""


@contextmanager
def only_process(data: Path) -> Iterator[None]:
    """Hold the data folder: a second console on the same SQLite database would never hear of the first one's changes.

    The kernel lets the lock go when the process ends, however it ends. Raises StartupError when it is taken.
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (data / "serve.lock").open("a+") as file:
        _lock(file, data)
        yield


def _lock(file: IO[str], data: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        raise StartupError(
            f"Another console (process {file.read().strip() or 'unknown'}) runs with the data folder {data}. "
            "Stop it, or give this one a folder of its own with QUARTERDECK_DATA."
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()


def unapplied() -> list[str]:
    """Return the migrations that the database still lacks, as ``app.name``."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def migrate() -> bool:
    """Bring the schema up to date; says whether there was something to do. Processes take turns on PostgreSQL."""
    if not unapplied():
        return False
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [_POSTGRES_LOCK])
            try:
                call_command("migrate", verbosity=0, interactive=False)
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_POSTGRES_LOCK])
    else:
        call_command("migrate", verbosity=0, interactive=False)
    return True


def collect_static() -> bool:
    """Put the static files where they are served from, unless they are there; says whether it did something."""
    root = Path(settings.STATIC_ROOT)
    stamp, value = root / ".stamp", _static_stamp()
    root.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (root.parent / "static.lock").open("a") as lock:  # processes that share the folder take turns
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            if stamp.read_text() == value:
                return False
        except OSError:
            pass
        call_command("collectstatic", verbosity=0, interactive=False, clear=root.exists())
        stamp.write_text(value)
    return True


def _static_stamp() -> str:
    digest = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    for folder in settings.STATICFILES_DIRS:
        built = Path(folder) / ".stamp"  # tools/frontend.py writes it
        digest.update(built.read_bytes() if built.exists() else b"-")
    for package in ("Django", "django-allauth", "whitenoise"):
        digest.update(version(package).encode())
    return digest.hexdigest()


def first_admin(environ: Mapping[str, str]) -> str | None:
    """Make the user ``admin`` when nobody exists yet; return the password if it was made up here, to be shown once.

    There is no other way to claim a new instance (docs/security.md, H1).
    """
    if User.objects.exists():
        return None
    given = environ.get("QUARTERDECK_ADMIN_PASSWORD", "")
    password = given or secrets.token_urlsafe(12)
    first = {"role": User.Role.ADMIN, "password": make_password(password)}
    _, made = User.objects.get_or_create(username="admin", defaults=first)  # of several that start together one does it
    return password if made and not given else None


def engine_row(environ: Mapping[str, str]) -> Engine:
    """Make or move the row of the engine that the environment names. Its slug is ``local``.

    Only the address is written here, the rest is the watcher's: if another engine answers at a moved address, it
    freezes the mirror until an admin confirms it. Raises StartupError when DOCKER_HOST or the context is no address.
    """
    try:
        found = discover(environ)
    except ValueError as error:
        raise StartupError(str(error)) from None
    engine, made = Engine.objects.get_or_create(slug="local", defaults=_where(found))
    if not made and any(getattr(engine, name) != value for name, value in _where(found).items()):
        for name, value in _where(found).items():
            setattr(engine, name, value)
        engine.save(update_fields=list(_where(found)))
    return engine


def _where(found: Address) -> dict[str, str]:
    """The columns for an address. ``https`` says TLS, also where no file is named (engine.address.normalise)."""
    tls = found.tls
    return {
        "url": "https" + found.url.removeprefix("tcp") if tls else found.url,
        "source": found.source,
        "tls_ca": (tls and tls.ca) or "",
        "tls_cert": (tls and tls.cert) or "",
        "tls_key": (tls and tls.key) or "",
    }


def leave() -> None:
    """End the process now if a thread still waits for an engine: Python would join it for as long as its call lasts."""
    if any(thread is not threading.main_thread() and not thread.daemon for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
