"""Every HTTP route. A route without a row in the permission matrix fails the build (tests/test_matrix.py)."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from console.views import health, shell

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("", include("allauth.account.urls")),
    path("theme", shell.theme, name="theme"),
    path("keys", shell.keys, name="keys"),
    path("_kit", shell.kit, name="kit"),
]

handler403 = "console.views.errors.forbidden"
handler404 = "console.views.errors.not_found"
handler500 = "console.views.errors.server_error"
