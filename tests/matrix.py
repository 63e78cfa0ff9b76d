"""The permission matrix: every HTTP route and every websocket route has a row here, or the build fails.

``Row(verb)``: who may, by the verb that the route needs (``access.VERBS``); PUBLIC for everybody, SIGNED_IN for whoever
is signed in. ``object``: the kind that the address names; a foreign or missing one must look the same (404).
``methods``: what the route answers to. ``form``: a valid POST body, so that an allowed POST is seen to be allowed.
A socket's row has its ``address`` and the message types that it takes from the browser (``says``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PUBLIC = "public"
SIGNED_IN = "signed in"
NOBODY = "nobody"  # a name that must not lead anywhere


@dataclass(frozen=True)
class Row:
    verb: str
    object: str = ""
    methods: tuple[str, ...] = ("GET",)
    form: Mapping[str, Any] = field(default_factory=dict)
    kwargs: Mapping[str, str] = field(default_factory=dict)  # for parameters that are no object
    answers: tuple[int, ...] = ()  # statuses that are right besides the usual ones
    # Of sockets
    address: str = ""  # with {slug} and {object}
    says: tuple[str, ...] = ()  # the message types that it takes from the browser


POST = ("POST",)

ROUTES: dict[str, Row] = {
    "healthz": Row(PUBLIC),
    "readyz": Row(PUBLIC, answers=(503,)),
    "account_login": Row(PUBLIC, methods=("GET", "POST")),
    "account_logout": Row(SIGNED_IN, methods=POST),
    "account_change_password": Row(SIGNED_IN, methods=("GET", "POST")),
    "account_signup": Row(NOBODY),
    "account_inactive": Row(NOBODY),
    "account_email": Row(NOBODY),
    "account_email_verification_sent": Row(NOBODY),
    "account_confirm_email": Row(NOBODY),
    "account_reset_password": Row(NOBODY),
    "account_reset_password_done": Row(NOBODY),
    "account_reset_password_from_key_done": Row(NOBODY),
    "account_set_password": Row(NOBODY),
    "account_reauthenticate": Row(NOBODY),
    "theme": Row(PUBLIC, methods=POST, form={"theme": "dark"}),
    "keys": Row(SIGNED_IN),
    "palette": Row("observe"),
    "kit": Row("observe"),
    "containers": Row("observe", object="engine"),
    "container-create": Row("deploy", object="engine", methods=("GET", "POST"), form={"image": "nginx"}),
    "container": Row("observe", object="container"),
    "container-stats": Row("observe", object="container"),
    "container-processes": Row("shell", object="container"),
    "container-changes": Row("shell", object="container"),
    "container-files": Row("shell", object="container", kwargs={"kind": "container"}),
    "container-files-raw": Row("shell", object="container", kwargs={"kind": "container"}),
    "container-files-download": Row("shell", object="container", kwargs={"kind": "container"}),
    "container-files-act": Row(
        "shell", object="container", methods=("GET", "POST"), form={"name": "x"}, kwargs={"verb": "folder-make"}
    ),
    "container-export": Row("shell", object="container"),
    "container-terminal": Row("shell", object="container"),
    "container-inspect": Row("observe", object="container"),
    "container-logs": Row("logs", object="container"),
    "container-logs-download": Row("logs", object="container", answers=(502,)),
    "containers-logs": Row("logs", object="engine"),
    "containers-logs-search": Row("logs", object="engine"),
    "project-logs": Row("logs", object="project"),
    "container-connect": Row("deploy", object="container", methods=("GET", "POST"), answers=(422,)),
    "container-update": Row("deploy", object="container", methods=("GET", "POST"), answers=(422,)),
    "container-recreate": Row("deploy", object="container", methods=("GET", "POST"), answers=(422, 502)),
    "container-commit": Row("deploy", object="container", methods=("GET", "POST"), form={"reference": "shop/own:1"}),
    "container-health": Row("observe", object="container"),
    "container-command": Row("shell", object="container"),
    "container-reveal": Row("shell", object="container", methods=POST, form={"key": "DB_PASSWORD"}),
    "container-action": Row("operate", object="container", methods=("GET", "POST"), kwargs={"verb": "stop"}),
    "containers-bulk": Row("operate", object="engine", methods=POST, form={"verb": "stop", "id": "0" * 64}),
    "dashboard": Row("observe"),
    "setup-engine": Row("observe"),
    "events": Row("observe"),
    "audit": Row("admin"),
    "engine": Row("observe", object="engine"),
    "engine-refresh": Row("operate", object="engine", methods=POST),
    "engine-verify": Row("operate", object="engine", methods=POST),
    "engine-confirm": Row("admin", object="engine", methods=POST, form={"found": "another"}),
    "engine-swarm": Row("observe", object="engine"),
    "swarm-token": Row("admin", object="engine", methods=POST, form={"key": "worker"}, answers=(502,)),
    "swarm-action": Row("host", object="engine", methods=("GET", "POST"), kwargs={"verb": "init"}),
    "images": Row("observe", object="engine"),
    "image": Row("observe", object="image"),
    "image-layers": Row("observe", object="image"),
    "image-inspect": Row("observe", object="image"),
    "image-build": Row(
        "deploy", object="engine", methods=("GET", "POST"), form={"dockerfile": "FROM scratch", "tag": "own:2"}
    ),
    "image-pull": Row("deploy", object="engine", methods=("GET", "POST"), form={"reference": "nginx"}),
    "image-tag": Row("deploy", object="image", methods=("GET", "POST"), form={"reference": "shop/api:2"}),
    "image-push": Row("deploy", object="image", methods=("GET", "POST"), form={"reference": "registry.example/own:1"}),
    "images-check": Row("deploy", object="engine", methods=POST),
    "images-save": Row("deploy", object="engine", answers=(404,)),
    "image-load": Row("deploy", object="engine", methods=("GET", "POST"), answers=(422,)),
    "image-import": Row("deploy", object="engine", methods=("GET", "POST"), answers=(422,)),
    "images-bulk": Row("deploy", object="engine", methods=POST, form={"id": "sha256:" + "0" * 64}),
    "image-remove": Row("deploy", object="image", methods=("GET", "POST"), form={"references": "own:latest"}),
    "image-reveal": Row("shell", object="image", methods=POST, form={"key": "PATH"}),
    "networks": Row("observe", object="engine"),
    "network-map": Row("observe", object="engine"),
    "network-map-svg": Row("observe", object="engine"),
    "network-reach-check": Row("shell", object="engine", methods=POST, answers=(422,)),
    "network-create": Row("deploy", object="engine", methods=("GET", "POST"), form={"pick": "macvlan"}),
    "network-ports": Row("observe", object="engine"),
    "network-action": Row("deploy", object="network", methods=("GET", "POST"), kwargs={"verb": "remove"}),
    "network": Row("observe", object="network"),
    "network-inspect": Row("observe", object="network"),
    "volumes": Row("observe", object="engine"),
    "volume-create": Row("deploy", object="engine", methods=("GET", "POST"), form={"pick": "nfs"}),
    "disk": Row("observe", object="engine"),
    "prune": Row("deploy", object="engine", methods=("GET", "POST"), kwargs={"what": "networks"}, answers=(422,)),
    "volume-mounts": Row("observe", object="engine"),
    "volume-sizes": Row("observe", object="engine"),
    "volume": Row("observe", object="volume"),
    "volume-backup": Row("shell", object="volume", methods=("GET", "POST")),
    "volume-clone": Row("deploy", object="volume", methods=("GET", "POST"), form={"target": "copied"}),
    "volume-download": Row("shell", object="volume", answers=(502,)),
    "volume-restore": Row("deploy", object="volume", methods=("GET", "POST"), answers=(422,)),
    "volume-files": Row("shell", object="volume", kwargs={"kind": "volume"}),
    "volume-files-raw": Row("shell", object="volume", kwargs={"kind": "volume"}),
    "volume-files-download": Row("shell", object="volume", kwargs={"kind": "volume"}),
    "volume-files-act": Row(
        "deploy", object="volume", methods=("GET", "POST"), form={"name": "x"}, kwargs={"verb": "folder-make"}
    ),
    "volume-remove": Row("deploy", object="volume", methods=("GET", "POST"), answers=(422,)),
    "volume-inspect": Row("observe", object="volume"),
    "registries": Row("admin"),
    "registry-add": Row("admin", methods=("GET", "POST"), form={"host": "127.0.0.1:2"}),
    "registry": Row("deploy", object="registry"),
    "registry-tag-delete": Row(
        "admin", object="registry", methods=("GET", "POST"), form={"repository": "a", "tag": "1", "typed": "a:1"}
    ),
    "registry-edit": Row("admin", object="registry", methods=("GET", "POST"), form={"name": "Own"}),
    "registry-test": Row("admin", object="registry", methods=POST),
    "registry-default": Row("admin", object="registry", methods=POST),
    "registry-remove": Row("admin", object="registry", methods=("GET", "POST")),
    "uploads": Row("shell", methods=POST, form={"size": "10"}),
    "upload-piece": Row("shell", methods=POST, kwargs={"token": "0" * 32}, answers=(422,)),
    "operations": Row("observe"),
    "operation": Row("observe", object="operation"),
    "operation-cancel": Row("operate", object="operation", methods=POST),
    "operation-retry": Row("operate", object="operation", methods=POST),
    "operation-look": Row("operate", object="operation", methods=POST),
}

STREAM = ("ack", "beat")
TERMINAL = (*STREAM, "open", "resize", "keep", "eof", "close")

SOCKETS: dict[str, Row] = {
    "ws-page": Row("observe", object="engine", address="/ws/e/{slug}"),
    "ws-console": Row("observe", address="/ws/page"),
    "ws-stats": Row("observe", object="engine", address="/ws/e/{slug}/stats", says=(*STREAM, "watch")),
    "ws-logs": Row("logs", object="container", address="/ws/e/{slug}/logs?c={object}", says=STREAM),
    "ws-log-search": Row("logs", object="engine", address="/ws/e/{slug}/logs/search?q=x", says=STREAM),
    "ws-shell": Row("shell", object="container", address="/ws/e/{slug}/containers/{object}/shell", says=TERMINAL),
    "ws-attach": Row("shell", object="container", address="/ws/e/{slug}/containers/{object}/attach", says=TERMINAL),
    "ws-refuse": Row(NOBODY, address="/ws/unknown"),
}
