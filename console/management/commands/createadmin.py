"""``manage.py createadmin NAME``: another admin, for instance when nobody can sign in any more."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from console.management.passwords import new_password
from console.models import User


class Command(BaseCommand):
    """Whoever may run this on the console's machine rules it anyway; the web has no such road."""

    help = "Makes an admin; asks for the password, or prints a random one with --random."

    def add_arguments(self, parser: CommandParser) -> None:
        """NAME and --random."""
        parser.add_argument("name")
        parser.add_argument("--random", action="store_true", help="make the password up and print it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the admin. Raises CommandError when the name is taken or the password too weak."""
        name: str = options["name"].lower()  # people sign in without regard to case
        if User.objects.filter(username=name).exists():
            raise CommandError(f"{name} exists: “manage.py setpassword {name} --admin” lets them in again.")
        user = User(username=name, role=User.Role.ADMIN)
        password = new_password(user, random=options["random"])
        user.set_password(password)
        user.save()
        if options["random"]:
            self.stdout.write(f"The password of {name} is {password}")
        self.stdout.write(f"{name} is an admin.")
