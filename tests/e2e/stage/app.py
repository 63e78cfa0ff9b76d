"""The stage as a program: ``python -m tests.e2e.stage PORT``. No database and no engine.

``POST /stage/push`` sends its body to every open socket, ``POST /stage/close?code=4000`` closes them,
``POST /stage/rows`` replaces the rows that the list shows when it is read again.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import path
from django.utils import timezone
from django.views.static import serve

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
ROWS: list[list[str]] = []
POSTS: list[dict[str, list[str]]] = []
SOCKETS: set[Any] = set()


class Named(SimpleNamespace):
    """Stands for an engine."""

    def __str__(self) -> str:
        return str(self.slug)

    def get_state_display(self) -> str:
        """The state in words."""
        return str(self.state).title()


class Shown(str):
    """Stands for a state with its words."""

    @property
    def label(self) -> str:
        """In words."""
        return self.title()


class Person(SimpleNamespace):
    """Stands for a signed-in user."""

    is_authenticated = True

    def get_username(self) -> str:
        """Its name."""
        return "mika"

    def get_role_display(self) -> str:
        """Its role in words."""
        return "Admin"


def shell(request: HttpRequest) -> dict[str, Any]:
    """What console.context.shell gives, made up."""
    seen = timezone.now() - dt.timedelta(seconds=0.4)
    engine = Named(
        slug="rocky",
        pk=1,
        state="live",
        shown_state=Shown("live"),
        shown_since=None,
        server_version="27.5.1",
        api_version="1.47",
        seen_at=seen,
        stale_since=None,
        retry_at=None,
        last_event_at=seen,
    )
    return {
        "engine": engine,
        "engines": [engine],
        "counts": {"containers": 3},
        "running_operations": 1,
        "nav": "containers",
        "default_command": "docker container ls --all",
        "theme": "light",
        "density": "compact",
    }


def person(get_response: Any) -> Any:
    """Everybody is signed in; every answer carries the product's policy."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.user = Person()  # type: ignore[assignment]
        response: HttpResponse = get_response(request)
        response.headers["Content-Security-Policy"] = POLICY
        return response

    return middleware


def configure() -> None:
    """Settings of the stage."""
    processors = ["django.template.context_processors.request", "tests.e2e.stage.app.shell"]
    options = {
        "context_processors": processors,
        "builtins": ["console.templatetags.qd", "django.templatetags.static"],
    }
    settings.configure(
        SECRET_KEY="stage",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        MIDDLEWARE=["tests.e2e.stage.app.person"],
        STATIC_URL="/static/",
        USE_TZ=True,
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "DIRS": [ROOT / "templates", HERE / "templates"],
                "OPTIONS": options,
            }
        ],
    )
    django.setup()


def row(request: HttpRequest) -> HttpResponse:
    """One row as the socket sends it; ``oob`` is its swap."""
    values = json.loads(request.body)
    return HttpResponse(render_to_string("_stage_row.html", {"row": values, "oob": request.GET.get("oob", "")}))


def listing(request: HttpRequest) -> HttpResponse:
    """The list: a page, or its region for htmx."""
    fragment = request.headers.get("HX-Request") == "true"
    return render(request, "_stage_list.html" if fragment else "stage.html", {"rows": ROWS})


def dialog(request: HttpRequest) -> HttpResponse:
    """A confirm dialog."""
    lost = [{"id": "a1", "name": "web", "detail": "container, running", "size": "12 kB"}]
    words = {"title": "Remove web?", "verb": "Remove web", "command": "docker container rm web", "type_name": "rocky"}
    return render(request, "ui/_confirm.html", {"action": "/x", "danger": True, "lost": lost, **words})


def found(request: HttpRequest) -> HttpResponse:
    """Palette answers."""
    items: list[dict[str, object]] = [
        {"label": "web", "parts": [("we", True), ("b", False)], "state": "running", "href": "/list#web"},
        {"label": "Restart", "icon": "restart", "action": "/x", "command": "docker container restart web"},
    ]
    return render(request, "ui/_palette_group.html", {"title": "Containers", "items": items})


def keys(request: HttpRequest) -> HttpResponse:
    """The keyboard map."""
    return render(request, "_keys_dialog.html")


def drawer(request: HttpRequest) -> HttpResponse:
    """The operations drawer."""
    return HttpResponse('<header><h2>Operations</h2><button class="btn" data-drawer-close>Close</button></header>')


def accept(request: HttpRequest) -> HttpResponse:
    """Takes any action and remembers it."""
    POSTS.append({name: request.POST.getlist(name) for name in request.POST if name != "csrfmiddlewaretoken"})
    return HttpResponse(status=204)


def fail(request: HttpRequest) -> HttpResponse:
    """The console's own failure."""
    return HttpResponse("<h1>a page that must not land in the list</h1>", status=500)


def static(request: HttpRequest, name: str) -> HttpResponse:
    """Files of the front end as built."""
    return serve(request, name, document_root=str(ROOT / "static" / "build"))  # type: ignore[return-value]


async def push(request: HttpRequest) -> HttpResponse:
    """Send the body to every socket."""
    for socket in list(SOCKETS):
        await socket.send(text_data=request.body.decode())
    return HttpResponse(str(len(SOCKETS)))


async def close(request: HttpRequest) -> HttpResponse:
    """Close every socket."""
    for socket in list(SOCKETS):
        await socket.close(code=int(request.GET["code"]))
    return HttpResponse()


def rows(request: HttpRequest) -> HttpResponse:
    """Replace the rows."""
    ROWS[:] = json.loads(request.body)
    POSTS.clear()
    return HttpResponse()


def posts(request: HttpRequest) -> HttpResponse:
    """What was posted since the rows were set."""
    return HttpResponse(json.dumps(POSTS), content_type="application/json")


def nothing(request: HttpRequest, **kwargs: str) -> HttpResponse:
    """A page that is only linked to."""
    return HttpResponse(status=204)


urlpatterns = [
    path("list", listing),
    path("dialog", dialog),
    path("x", accept),
    path("fail", fail),
    path("static/<path:name>", static),
    path("stage/push", push),
    path("stage/close", close),
    path("stage/row", row),
    path("stage/rows", rows),
    path("stage/posts", posts),
    path("palette", found, name="palette"),
    path("keys", keys, name="keys"),
    path("operations", drawer, name="operations"),
    path("theme", accept, name="theme"),
    path("", nothing, name="dashboard"),
    path("events", nothing, name="events"),
    path("logout", nothing, name="account_logout"),
    path("password", nothing, name="account_change_password"),
    path("e/<slug:slug>/", nothing, name="engine"),
    *[path(f"e/<slug:slug>/{name}", nothing, name=name) for name in ("containers", "images", "volumes", "networks")],
]


def serve_stage(port: int) -> None:
    """Run until killed."""
    configure()
    from channels.generic.websocket import AsyncWebsocketConsumer
    from channels.routing import ProtocolTypeRouter, URLRouter
    from daphne.endpoints import build_endpoint_description_strings
    from daphne.server import Server
    from django.core.asgi import get_asgi_application

    class Live(AsyncWebsocketConsumer):
        async def connect(self) -> None:
            await self.accept()
            SOCKETS.add(self)

        async def disconnect(self, code: int) -> None:
            SOCKETS.discard(self)

    sockets = URLRouter([path("ws", Live.as_asgi())])  # type: ignore[list-item, arg-type]
    application = ProtocolTypeRouter({"http": get_asgi_application(), "websocket": sockets})
    endpoints = build_endpoint_description_strings(host="127.0.0.1", port=port)
    Server(application=application, endpoints=endpoints, signal_handlers=True, verbosity=0).run()
