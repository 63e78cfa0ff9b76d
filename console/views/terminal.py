"""The terminal of a container."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from csp.constants import NONCE
from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console import access
from console.engine.errors import EngineError
from console.live.shells import shells
from console.models import User
from console.pages.container import ContainerPage
from console.reads import containers as reads
from console.views.containers import host_of
from console.views.fragment import is_fragment


@require_safe
def _terminal(request: HttpRequest, slug: str, reference: str) -> HttpResponse:
    """``/e/<slug>/containers/<name>/terminal``: shells, and the container's main process.

    ``session`` takes up an open one, ``mode=attach`` is for the main process.
    """
    engine = access.engine_for(request.user, slug)
    page = ContainerPage(request.user, engine, request.GET, reference, host_of(request))
    access.require(request.user, access.shell_right(page.container))
    page.tab = "terminal"
    if is_fragment(request):
        return render(request, "containers/_object.html", page.context)
    found: list[str] = []
    problem = ""
    try:
        found = reads.shells(engine, page.container)
    except EngineError as error:
        problem = error.message
    user = request.user
    mine = shells.of(user.pk, page.container.container_id) if isinstance(user, User) else []
    context = {
        "shells": found,
        "shells_problem": problem,
        "sessions": [
            {
                "id": session.id,
                "command": session.shell.command[0] if session.shell.command else "",
                "shell": session.shell,
            }
            for session in mine
        ],
        "attach": request.GET.get("mode") == "attach",
        "default_command": f"docker container exec -it {page.container.name} {found[0] if found else '/bin/sh'}",
    }
    return render(request, "containers/terminal.html", page.context | context)


# xterm.js makes style sheets at run time: they bear the response's nonce, and single styles are let through, here only.
_POLICY: dict[str, Any] = {"style-src": [NONCE], "style-src-attr": ["'unsafe-inline'"]}
terminal: Callable[..., HttpResponse] = csp_update(_POLICY)(_terminal)  # type: ignore[arg-type,assignment]
