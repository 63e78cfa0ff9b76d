"""Every HTTP route. A route without a row in the permission matrix fails the build (tests/test_matrix.py)."""

from __future__ import annotations

from typing import Final

from django.urls import URLPattern, URLResolver, path

from console.views import account, health, shell

# allauth names these in its own pages; here they are no pages.
UNUSED_OF_ALLAUTH: Final = (
    "account_signup",
    "account_inactive",
    "account_email",
    "account_email_verification_sent",
    "account_confirm_email",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key_done",
    "account_set_password",
    "account_reauthenticate",
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("login", account.login, name="account_login"),
    path("logout", account.logout, name="account_logout"),
    path("password", account.change_password, name="account_change_password"),
    *(path(f"-/{name}", account.absent, name=name) for name in UNUSED_OF_ALLAUTH),
    path("theme", shell.theme, name="theme"),
    path("keys", shell.keys, name="keys"),
    path("_kit", shell.kit, name="kit"),
]

handler403 = "console.views.errors.forbidden"
handler404 = "console.views.errors.not_found"
handler500 = "console.views.errors.server_error"
