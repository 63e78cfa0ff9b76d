"""Settings of the unit tests: no collected static files, and a quick password hash."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from pytest_django.fixtures import Settings


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    """Argon2 is slow by design, the manifest of static files is made at set-up, and sign-ins are counted anew."""
    cache.clear()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
