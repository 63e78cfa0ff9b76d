"""How people sign in: allauth with sign-up closed. The first admin comes from the command line, nothing else."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    """Nobody can make an account from outside."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Always no: an instance cannot be claimed through the web."""
        return False
