"""Admins with open sessions in a data folder, made before a console starts with it.

``python -m tests.bench.people DATA 11`` prints the key of each session, one a line. A process of its own, for it needs
the console's settings.
"""

from __future__ import annotations

import os
import sys


def main(data: str, count: int) -> int:
    """Make the database and the people; print their sessions."""
    os.environ |= {"QUARTERDECK_DATA": data, "DJANGO_SETTINGS_MODULE": "console.settings"}
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.test import Client

    from console.models import User

    call_command("migrate", verbosity=0)
    for number in range(count):
        person = User(username=f"bench-{number}", role=User.Role.ADMIN)
        person.set_unusable_password()
        person.save()
        client = Client()
        client.force_login(person)
        print(client.cookies[settings.SESSION_COOKIE_NAME].value)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
