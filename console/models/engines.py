"""Engines: where they are, what they say of themselves, how fresh their mirror is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import models
from django.utils import timezone

from console.engine.address import TLS, Address, address

SILENT: Final = timedelta(seconds=15)  # a live engine is looked after every two seconds


class Engine(models.Model):
    """A Docker engine. ``sync`` alone writes it, apart from its name and address.

    The identity of the engine behind the address is ``engine_id`` (``Info.ID``). Another identity at the same address
    freezes the mirror (state SWAPPED, the newcomer in ``found``) until an admin confirms it.
    """

    class State(models.TextChoices):
        NEW = "new", "Connecting"
        LIVE = "live", "Live"
        STALE = "stale", "Stale"  # was live, does not answer now
        UNREACHABLE = "unreachable", "Unreachable"  # never answered since it was added
        SWAPPED = "swapped", "Another engine answers"

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=200, blank=True)  # Info.Name
    url = models.CharField(max_length=500)
    tls_ca = models.CharField(max_length=500, blank=True)  # paths of PEM files
    tls_cert = models.CharField(max_length=500, blank=True)
    tls_key = models.CharField(max_length=500, blank=True)
    source = models.CharField(max_length=100, blank=True)  # where the address was found: DOCKER_HOST, default socket…

    engine_id = models.CharField(max_length=200, blank=True)
    found = models.JSONField(default=dict, blank=True)  # the newcomer's EngineInfo while SWAPPED
    server_version = models.CharField(max_length=100, blank=True)
    api_version = models.CharField(max_length=20, blank=True)
    info = models.JSONField(default=dict, blank=True)  # engine.types.EngineInfo

    state = models.CharField(max_length=20, choices=State, default=State.NEW)
    problem = models.CharField(max_length=30, blank=True)  # engine.errors.Unreachable.PROBLEMS
    error = models.TextField(blank=True)  # one sentence
    version = models.BigIntegerField(default=0)  # grows with every change of any mirrored row of this engine
    seen_at = models.DateTimeField(null=True, blank=True)  # the mirror was exact and the engine answered then
    synced_at = models.DateTimeField(null=True, blank=True)  # last full comparison
    stale_since = models.DateTimeField(null=True, blank=True)
    retry_at = models.DateTimeField(null=True, blank=True)
    last_event_at = models.DateTimeField(null=True, blank=True)
    resync_requested_at = models.DateTimeField(null=True, blank=True)  # somebody asks for a full comparison; None: done

    # The lease: whoever holds it watches the engine. Taken by one conditional UPDATE.
    lease_owner = models.CharField(max_length=100, blank=True)
    lease_expires = models.DateTimeField(null=True, blank=True)
    lease_fence = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name or self.slug

    @property
    def silent(self) -> bool:
        """Whether nobody looks after a live engine: its worker stopped, or cannot keep up."""
        live = self.state == self.State.LIVE
        return live and (self.seen_at is None or timezone.now() - self.seen_at > SILENT)

    @property
    def shown_state(self) -> Engine.State:
        """The state as a reader may rely on it: a mirror that nobody keeps is stale whatever the row says."""
        return self.State.STALE if self.silent else self.State(self.state)

    @property
    def stale(self) -> bool:
        """Whether the rows are what was last known: the engine does not answer, is another one, or nobody looks."""
        return self.shown_state in {self.State.STALE, self.State.UNREACHABLE, self.State.SWAPPED}

    @property
    def why_stale(self) -> str:
        """One sentence, or ""."""
        return "No worker looks after it." if self.silent else self.error

    @property
    def shown_since(self) -> datetime | None:
        """Since when the mirror is not exact; None while it is."""
        return self.seen_at if self.silent else self.stale_since

    @property
    def address(self) -> Address:
        """Where it is. Raises ``ValueError`` with a sentence if the URL is no engine address."""
        tls = None
        if self.tls_ca or self.tls_cert or self.tls_key:
            tls = TLS(self.tls_ca or None, self.tls_cert or None, self.tls_key or None)
        return address(self.url, tls, self.source)


class Mirrored(models.Model):
    """What every mirrored row has. The key is (engine, the engine's own full id)."""

    engine = models.ForeignKey(Engine, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64)  # of the parsed object: equal means nothing changed
    version = models.BigIntegerField(default=0)  # Engine.version when this row last changed
    problem = models.TextField(blank=True)  # why the object could not be parsed, if it could not

    class Meta:
        abstract = True
