"""Signing in and out, through allauth; what of allauth this console does not use answers like a missing page."""

from __future__ import annotations

from typing import Any, cast

from allauth.account.views import LoginView, LogoutView, PasswordChangeView
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse_lazy
from django.views.decorators.http import require_http_methods, require_POST

from console import changes, people
from console.models import User

GET_POST = ["GET", "HEAD", "POST"]
login = require_http_methods(GET_POST)(LoginView.as_view())


@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """Ends the session; its open sockets look again at once."""
    user = cast(User, request.user)
    answer: HttpResponse = LogoutView.as_view()(request)
    changes.rights_changed(user.pk)
    return answer


class ChangePassword(PasswordChangeView):
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
