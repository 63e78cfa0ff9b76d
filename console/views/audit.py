"""The audit: who looked at what."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from console.pages.audit import AuditList
from console.views.lists import answer_list


@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """``/audit``: for admins; an htmx request gets the part under the filter."""
    return answer_list(request, AuditList(request.user, None, request.GET))
