"""How people sign in: allauth with sign-up closed. The first admin comes from the command line, nothing else."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


class AccountAdapter(DefaultAccountAdapter):
    """Nobody can make an account from outside, guess for long, or be led away."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Always no: an instance cannot be claimed through the web."""
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """As allauth, but names are in lower case, as the command line makes them: phones capitalise."""
        credentials["username"] = str(credentials.get("username", "")).lower()
        return super().authenticate(request, **credentials)

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        """No word about signing in and out: the page that follows shows it."""
        if message_template not in ("account/messages/logged_in.txt", "account/messages/logged_out.txt"):
            super().add_message(request, level, message_template, *args, **kwargs)

    def is_safe_url(self, url: str | None) -> bool:
        """Whether ``next`` may lead there: paths of this console only.

        allauth also takes whole addresses of this host, whatever their port: those of a container's pages.
        """
        return bool(url) and str(url).startswith("/") and url_has_allowed_host_and_scheme(str(url), allowed_hosts=None)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Failed attempts are counted by person. allauth adds the Host header, which whoever guesses can vary."""
        return str(credentials.get("username", "")).lower()
