"""Registries and their credentials: the only writer of the rows, and the only reader of the secrets in them.

A secret is encrypted together with the host and the account that it is for. A row whose host says something else than
what was encrypted has no credentials: copying it to another row, or changing the host beside it, gives nothing.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from django.db import transaction
from django.utils import timezone

from console.engine import registry as wire
from console.models import Engine, Registry
from console.operations.image_params import is_host
from console.operations.params import InvalidParams, _flag, _text
from console.operations.sealed import seal, unseal
from console.reads import registries as reads

LONGEST_CA: Final = 64 * 1024
LONGEST_SECRET: Final = 8192
HUB_NAMES: Final = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
UNREADABLE: Final = "Its secret can no longer be read: the console's secret key has changed. Type it again."
SERVER_OF_HUB: Final = "https://index.docker.io/v1/"  # how docker itself names it beside credentials


@dataclass(frozen=True, slots=True)
class RegistryForm:
    """What the form of a registry says, checked. ``secret``: "" keeps the one that is there."""

    host: str
    name: str = ""
    username: str = ""
    secret: str = field(default="", repr=False)
    ca: str = ""
    plain_http: bool = False
    auth_server: str = ""

    @classmethod
    def read(cls, data: Mapping[str, Any], row: Registry | None = None) -> Self:
        """From a form; ``row`` is the one that is changed: its host stays. Raises ``InvalidParams``."""
        errors: dict[str, str] = {}
        host = row.host if row is not None else host_of(_text(data, "host"))
        name, username = _text(data, "name"), _text(data, "username")
        secret, ca = str(data.get("secret") or ""), str(data.get("ca") or "").strip()
        auth_server = _text(data, "auth_server").lower()
        if not host:
            errors["host"] = "Its host. For example: registry.example:5000, or docker.io."
        elif not is_host(host) or len(host) > 300:
            errors["host"] = "A host as it stands before an image's name: registry.example, registry.example:5000."
        elif row is None and Registry.objects.filter(host=host).exists():
            errors["host"] = f"{host} is here already."
        if len(name) > 100 or not name.isprintable():
            errors["name"] = "At most 100 characters, without control characters."
        if len(username) > 200 or not username.isprintable() or ":" in username:
            errors["username"] = "At most 200 characters, without “:” and control characters."
        if len(secret) > LONGEST_SECRET or not secret.isprintable():
            errors["secret"] = f"At most {LONGEST_SECRET:,} characters, without control characters."
        if auth_server and not is_host(auth_server):
            errors["auth_server"] = "A host, with its port if that is not 443: auth.example, auth.example:5001."
        if ca and (problem := _bad_ca(ca)):
            errors["ca"] = problem
        plain_http = _flag(data, "plain_http")
        if plain_http and host == wire.HUB:
            errors["plain_http"] = "Docker Hub is asked over TLS only."
        read = cls(host, name, username, secret, ca, plain_http, auth_server)
        errors |= {key: said for key, said in read._pairs(row).items() if key not in errors}
        if errors:
            raise InvalidParams(errors)
        return read

    def _pairs(self, row: Registry | None) -> dict[str, str]:
        """What is wrong with account and secret together."""
        if self.secret and not self.username:
            return {"username": "Whose password or token is it?"}
        if not self.username or self.secret:
            return {}
        if row is None or not row.sealed:
            return {"secret": "A password or token belongs to an account."}
        if self.username != row.username:
            return {"secret": "Another account: type its password or token."}
        if (self.plain_http and not row.plain_http) or self.auth_server not in ("", row.auth_server):
            return {"secret": "It would be sent in another way than before: type it again."}
        return {}


def host_of(typed: str) -> str:
    """The host that was meant, in the one spelling: without scheme and path, Docker Hub as "docker.io"."""
    host = re.sub(r"^https?://", "", typed.strip().lower()).rstrip("/")
    return wire.HUB if host in HUB_NAMES or host.startswith("index.docker.io/") else host


def _bad_ca(ca: str) -> str:
    if len(ca) > LONGEST_CA:
        return f"At most {LONGEST_CA:,} characters."
    if "PRIVATE KEY" in ca:
        return "This is a private key: only the authority's certificate is wanted, and keys are kept nowhere."
    if not ca.isascii():
        return "Only the lines from BEGIN CERTIFICATE to END CERTIFICATE: no accents, no other letters."
    try:
        ssl.create_default_context(cadata=ca)
    except (ssl.SSLError, ValueError):
        return "No certificate in PEM form: it begins with -----BEGIN CERTIFICATE-----."
    return ""


def save(form: RegistryForm, row: Registry | None = None) -> Registry:
    """Add a registry, or change ``row``."""
    kept = row or Registry(host=form.host)
    kept.name, kept.username, kept.ca = form.name, form.username, form.ca
    kept.plain_http, kept.auth_server = form.plain_http, form.auth_server
    if form.secret:
        kept.sealed = seal({"host": kept.host, "username": form.username, "secret": form.secret})
    elif not form.username:
        kept.sealed = ""
    kept.state, kept.said, kept.checked_at = Registry.State.NEW, "", None
    kept.save()
    return kept


def remove(row: Registry) -> None:
    """Forget a registry and its credentials."""
    row.delete()


def make_default(row: Registry, on: bool) -> None:
    """Offer this one first where an image is pushed; at most one is it."""
    with transaction.atomic():
        Registry.objects.filter(default=True).update(default=False)
        Registry.objects.filter(pk=row.pk).update(default=on)


def secret_of(row: Registry) -> str:
    """The password or token, or "": there is none, or it was encrypted for something else or with another key."""
    found = unseal(row.sealed) if row.sealed else None
    if found is None or (found.get("host"), found.get("username")) != (row.host, row.username):
        return ""
    return str(found.get("secret") or "")


def readable(row: Registry) -> bool:
    """Whether its credentials can still be read; also True where there are none."""
    return not row.sealed or bool(secret_of(row))


def asked(row: Registry) -> wire.Registry:
    """The registry as the console's own questions want it."""
    secret = secret_of(row)
    username = row.username if secret else ""
    return wire.Registry(row.host, username, secret, row.ca, row.plain_http, row.auth_server)


def test(row: Registry) -> tuple[bool, str]:
    """Ask whether it is a registry and takes the credentials; written down. Returns (fine, a sentence)."""
    if not readable(row):
        fine, said = False, UNREADABLE
    else:
        try:
            fine, said = True, reads.greeting(asked(row))
        except wire.RegistryError as error:
            fine, said = False, f"{error.sentence} {error.said}".strip()
    state = Registry.State.FINE if fine else Registry.State.FAILED
    Registry.objects.filter(pk=row.pk).update(state=state, said=said, checked_at=timezone.now())
    return fine, said


def by_host(host: str) -> Registry | None:
    """The registry of a reference's host."""
    return Registry.objects.filter(host=host_of(host)).first()


def stored(engine: Engine, host: str) -> Mapping[str, str] | None:
    """A provider of ``operations.credentials``: those that were entered for exactly this host."""
    row = by_host(host)
    secret = secret_of(row) if row is not None else ""
    if row is None or not secret:
        return None
    server = SERVER_OF_HUB if row.host == wire.HUB else row.host
    return {"username": row.username, "password": secret, "serveraddress": server}
