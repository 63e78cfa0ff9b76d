"""Masks: by name, in URLs, in commands, in raw documents."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.masks import masked, masked_document, masked_words, secret_name


@pytest.mark.parametrize(
    "name",
    [
        "POSTGRES_PASSWORD",
        "PGPASSWORD",
        "MYSQL_PWD",
        "SECRET_KEY",
        "GITHUB_TOKEN",
        "AWS_ACCESS_KEY_ID",
        "apiKey",
        "DB_PASS",
        "BASIC_AUTH",
        "SENTRY_DSN",
        "client-secret",
        "session.cookie",
        "JWT_KEYS",
        "gh_pat",
        "PASSPHRASE",
    ],
)
def test_secret_names(name: str) -> None:
    assert secret_name(name)


@pytest.mark.parametrize(
    "name", ["PATH", "PWD", "OLDPWD", "KEYBOARD", "MONKEY", "AUTHOR", "POSTGRES_PASSWORD_FILE", "COMPASS", "TZ", ""]
)
def test_harmless_names(name: str) -> None:
    assert not secret_name(name)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("postgres://shop:pw@db:5432/shop", "postgres://shop:***@db:5432/shop"),
        ("postgres://shop:p@w@db/shop", "postgres://shop:***@db/shop"),
        ("redis://:pw@cache:6379/0", "redis://:***@cache:6379/0"),
        ("redis://cache:6379/0", "redis://cache:6379/0"),
        ("ssh://git@host/x", "ssh://git@host/x"),
        ("https://ghp_abc@git.example/x", "https://***@git.example/x"),
        ("a=https://u:p@h,b=amqp://v:q@i", "a=https://u:***@h,b=amqp://v:***@i"),
        ("https://h/x?token=abc&page=2", "https://h/x?token=***&page=2"),
        ("-----BEGIN RSA PRIVATE KEY-----␊MIIE", "***"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_values_by_their_look(value: str, shown: str) -> None:
    assert masked("URL", value, "***") == shown


def test_an_empty_secret_is_not_masked() -> None:
    assert masked("PASSWORD", "") == ""
    assert masked("PASSWORD", "x") == "••••"


def test_words_of_a_command() -> None:
    words = ["mysqld", "--password=x", "--token", "abc", "--token", "--verbose", "DB_PASS=y", "TZ=UTC", "http://a:b@c"]
    assert masked_words(words) == [
        *("mysqld", "--password=***", "--token", "***", "--token", "--verbose"),
        *("DB_PASS=***", "TZ=UTC", "http://a:***@c"),
    ]


def test_a_raw_document() -> None:
    raw = {
        "Args": ["--api-key=1", "serve"],
        "Config": {
            "Env": ["A=1", "SECRET_KEY=x", "U=postgres://a:b@c/d", "NOVALUE"],
            "Cmd": None,
            "Labels": {"com.example.token": "t", "tier": "web"},
        },
        "NetworkSettings": {"SandboxKey": "/var/run/docker/netns/1"},
        "State": {"Running": True, "Pid": 3},
    }
    shown, count = masked_document(raw)
    assert count == 4
    assert shown == {
        "Args": ["--api-key=***", "serve"],
        "Config": {
            "Env": ["A=1", "SECRET_KEY=***", "U=postgres://a:***@c/d", "NOVALUE"],
            "Cmd": None,
            "Labels": {"com.example.token": "***", "tier": "web"},
        },
        "NetworkSettings": {"SandboxKey": "/var/run/docker/netns/1"},
        "State": {"Running": True, "Pid": 3},
    }


@given(st.text(max_size=80), st.text(max_size=80))
def test_never_raises_and_never_masks_twice(name: str, value: str) -> None:
    once = masked(name, value, "***")
    assert masked(name, once, "***") == once
