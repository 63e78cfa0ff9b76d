"""A password from the terminal, for the commands that give one."""

from __future__ import annotations

import getpass
import secrets

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from console.models import User


def new_password(user: User, *, random: bool) -> str:
    """Return a new password for ``user``: made up, or asked for twice without an echo.

    Raises CommandError when it is weak or the two differ.
    """
    if random:
        return secrets.token_urlsafe(12)
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Password again: "):
        raise CommandError("The two passwords differ; nothing was changed.")
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from None
    return password
