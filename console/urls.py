"""Every HTTP route. A route without a row in the permission matrix fails the build (tests/test_matrix.py)."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("allauth.account.urls")),
]
