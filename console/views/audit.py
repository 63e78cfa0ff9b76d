"""The audit: who looked at what."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from console.pages.audit import AuditList
from console.views.lists import answer_list_or_csv


@require_safe
def audit(request: HttpRequest) -> HttpResponseBase:
    """``/audit``: for admins; an htmx request gets the part under the filter, ``download=csv`` a file."""
    return answer_list_or_csv(request, AuditList(request.user, None, request.GET))
