"""``manage.py setpassword NAME``: a new password for somebody who cannot sign in any more."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from console import people
from console.management.passwords import new_password
from console.models import User


class Command(BaseCommand):
    """The way back in; open sockets and sessions of the person end with the old password."""

    help = "Sets a person's password; asks for it, or prints a random one with --random."

    def add_arguments(self, parser: CommandParser) -> None:
        """NAME, --random and --admin."""
        parser.add_argument("name")
        parser.add_argument("--random", action="store_true", help="make the password up and print it")
        parser.add_argument("--admin", action="store_true", help="make the person an active admin as well")

    def handle(self, *args: Any, **options: Any) -> None:
        """Set it. Raises CommandError for an unknown name or a weak password."""
        user = User.objects.filter(username=options["name"].lower()).first()
        if user is None:
            known = ", ".join(User.objects.order_by("username").values_list("username", flat=True)[:20])
            raise CommandError(f"Nobody is called {options['name']}. There are: {known or 'no people yet'}.")
        password = new_password(user, random=options["random"])
        people.set_password(user, password)
        if options["admin"]:
            people.set_role(user, User.Role.ADMIN)
            people.set_active(user, True)
        if options["random"]:
            self.stdout.write(f"The password of {user.username} is {password}")
        self.stdout.write(f"{user.username} has a new password{' and is an admin' if options['admin'] else ''}.")
