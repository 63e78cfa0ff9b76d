"""References to images as docker reads them, and what the verbs of images make of a form."""

from __future__ import annotations

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from console.operations.image_params import PullParams, Reference, RemoveImageParams, TagParams
from console.operations.params import InvalidParams

DIGEST = "sha256:" + "a1" * 32


@pytest.mark.parametrize(
    ("typed", "whole", "origin"),
    [
        ("nginx", "nginx:latest", "docker.io/library/nginx"),
        ("nginx:1.27", "nginx:1.27", "docker.io/library/nginx"),
        ("a/b", "a/b:latest", "docker.io/a/b"),
        ("localhost/b", "localhost/b:latest", "localhost/b"),
        ("host:5000/a/b:1", "host:5000/a/b:1", "host:5000/a/b"),
        ("host:5000/a", "host:5000/a:latest", "host:5000/a"),
        (f"reg.example/a@{DIGEST}", f"reg.example/a@{DIGEST}", "reg.example/a"),
        (f"a:1@{DIGEST}", f"a@{DIGEST}", "docker.io/library/a"),
    ],
)
def test_references(typed: str, whole: str, origin: str) -> None:
    found = Reference.read(typed)
    assert (str(found), found.origin) == (whole, origin)
    assert str(Reference.read(whole)) == whole


@pytest.mark.parametrize(
    "typed",
    ["", "Nginx", "a b", "../etc", "a//b", "a:", "a:-x", "a@sha256:1", "a@md5:1", "/a", "a/", "x" * 301, "a\0b", "-a",
     "ho st.x/a", "a:b:c", "?x=1", "reg.example:99999999/a", "a:" + "t" * 129],
)  # fmt: skip
def test_what_is_no_reference(typed: str) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        Reference.read(typed)
    with pytest.raises(InvalidParams) as caught:
        PullParams.read({"reference": typed})
    assert set(caught.value.errors) == {"reference"}


@given(st.text(max_size=60))
def test_whatever_is_typed_is_read_or_refused(typed: str) -> None:
    try:
        found = Reference.read(typed)
    except ValueError:
        return
    assert Reference.read(str(found)) == found
    assert not set(str(found)) & set(" \t\n?#&%\\\"'")


def test_commands() -> None:
    pull = PullParams.read({"reference": "nginx", "platform": "linux/arm64"})
    assert pull.command("docker image pull", "x") == "docker image pull --platform linux/arm64 nginx:latest"
    assert PullParams.read(pull.to_json()) == pull
    with pytest.raises(InvalidParams):
        PullParams.read({"reference": "nginx", "platform": "linux arm64; x"})
    tag = TagParams.read({"reference": "shop/api:2"})
    assert tag.command("docker image tag", "nginx:1") == "docker image tag nginx:1 shop/api:2"
    with pytest.raises(InvalidParams):
        TagParams.read({"reference": f"a@{DIGEST}"})


def test_remove() -> None:
    form = RemoveImageParams.read(QueryDict("references=a:1&references=b:2&references=a:1&force=1"))
    assert form.command("docker image rm", "0123") == "docker image rm --force a:1 b:2"
    assert RemoveImageParams.read(form.to_json()) == form
    assert RemoveImageParams.read({}).command("docker image rm", "0123") == "docker image rm 0123"
    for bad in ({"references": ["A b"]}, {"references": "a"}, {"references": ["a"] * 201}):
        with pytest.raises(InvalidParams):
            RemoveImageParams.read(bad)
