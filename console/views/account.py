"""Signing in and out, through allauth; what of allauth this console does not use answers like a missing page."""

from __future__ import annotations

import logging
from typing import Any, cast

from allauth.account.views import LoginView, LogoutView, PasswordChangeView
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse_lazy
from django.views.decorators.http import require_http_methods, require_POST
from django.views.generic import FormView

from console import changes, people
from console.models import User

GET_POST = ["GET", "HEAD", "POST"]
LIMITED = "too_many_login_attempts"
log = logging.getLogger(__name__)


class _Refusing(FormView):  # type: ignore[type-arg]
    """allauth answers 200 to what it refuses."""

    def form_invalid(self, form: Any) -> HttpResponse:
        """The form again, with status 422, or 429 when there were too many attempts."""
        answer = super().form_invalid(form)
        answer.status_code = 429 if form.has_error(NON_FIELD_ERRORS, LIMITED) else 422
        return answer


class Login(LoginView, _Refusing):
    """Name and password; the same answer to an unknown name, a wrong password and a person who is shut out."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Also writes it down."""
        answer: HttpResponse = super().form_valid(form)
        if isinstance(self.request.user, User):
            people.record(self.request.user, "session.start", address=people.address_of(self.request))
        return answer

    def form_invalid(self, form: Any) -> HttpResponse:
        """Tells the log from where, but no name: people type passwords into that field."""
        log.info("A sign-in from %s was refused", people.address_of(self.request))
        answer: HttpResponse = super().form_invalid(form)
        return answer


login = require_http_methods(GET_POST)(Login.as_view())


@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """Ends the session; its open sockets look again at once."""
    user = cast(User, request.user)
    people.record(user, "session.end", address=people.address_of(request))
    answer: HttpResponse = LogoutView.as_view()(request)
    changes.rights_changed(user.pk)
    return answer


class ChangePassword(PasswordChangeView, _Refusing):
    """Asks for the old password; every other session ends."""

    success_url = reverse_lazy("dashboard")

    def form_valid(self, form: Any) -> HttpResponse:
        """Also tells the person's open sockets."""
        answer: HttpResponse = super().form_valid(form)
        user = cast(User, self.request.user)
        people.record(user, "password.change", address=people.address_of(self.request))
        changes.rights_changed(user.pk)
        return answer


change_password = require_http_methods(GET_POST)(ChangePassword.as_view())


def absent(request: HttpRequest) -> HttpResponse:
    """For addresses that allauth wants to name and nobody may use: sign-up, mail, reset."""
    raise Http404
