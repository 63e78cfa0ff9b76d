"""The palette: what it finds, in which order, and for whom."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from console.models import Engine, User
from console.pages.palette import MOST, Group, Palette, marked, rank, words_of
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> User:
    return factories.user("admin")


@pytest.fixture
def local() -> Engine:
    made = factories.engine("local")
    for name in ("alpine-linux01", "alpine-linux02", "shop-web-1", "nginx", "my-nginx-proxy"):
        row = factories.container(made, name, image="registry.test/base:1")
        if name == "alpine-linux02":
            factories.endpoint(row, factories.network(made, "my-net"), ipv4_address="172.18.0.3")
    factories.container(made, "old", state="exited", exit_code=3)
    factories.image(made, "alpine:latest")
    factories.volume(made, "shop-data")
    return made


def found(user: User, question: str, engine: str = "") -> dict[str, list[str]]:
    return {group.title: [item.label for item in group.items] for group in Palette(user, question, engine).groups}


@pytest.mark.usefixtures("local")
def test_words_fit_in_any_order_and_anywhere(admin: User) -> None:
    answers = Palette(admin, "alp 02").groups
    assert [item.label for item in answers[0].items] == ["alpine-linux02"]
    first = answers[0].items[0]
    assert first.detail == "172.18.0.3, my-net"
    assert first.parts == [("alp", True), ("ine-linux", False), ("02", True)]
    assert answers[1].title == "Actions on alpine-linux02"
    labels = {item.label: item for item in answers[1].items}
    assert labels["Stop"].command == "docker container stop alpine-linux02"
    assert labels["Stop"].action
    assert labels["Remove…"].dialog
    assert not labels["Remove…"].action
    assert "Start" not in labels, "it runs already"
    assert found(admin, "02 ALP")["Containers"] == ["alpine-linux02"]


@pytest.mark.usefixtures("local")
def test_the_nearest_name_comes_first(admin: User) -> None:
    assert found(admin, "nginx")["Containers"][:2] == ["nginx", "my-nginx-proxy"]


@pytest.mark.usefixtures("local")
@pytest.mark.parametrize("question", ["stop ngi", "ngi stop", "STO  nginx"])
def test_an_action_can_be_named(admin: User, question: str) -> None:
    answers = found(admin, question)
    assert next(iter(answers)) == "Run"
    assert answers["Run"] == ["Stop nginx", "Stop my-nginx-proxy"]


@pytest.mark.usefixtures("local")
def test_what_makes_no_sense_now_is_no_answer(admin: User) -> None:
    assert "Run" not in found(admin, "stop old")
    assert found(admin, "start old")["Run"] == ["Start old"]


@pytest.mark.usefixtures("local")
def test_a_viewer_finds_objects_and_no_actions() -> None:
    viewer = factories.user("viewer", User.Role.VIEWER)
    for question in ("nginx", "stop nginx", "shop"):
        groups = Palette(viewer, question).groups
        assert not [item for group in groups for item in group.items if item.action or item.dialog or item.command]
    assert found(viewer, "nginx")["Containers"][:2] == ["nginx", "my-nginx-proxy"]
    assert found(viewer, "shop")["Volumes"] == ["shop-data"]


@pytest.mark.usefixtures("local")
def test_nobody_without_a_right_finds_anything() -> None:
    gone = factories.user("gone", is_active=False)
    answers = found(gone, "nginx")
    assert not answers


def test_every_kind_is_found(admin: User, local: Engine) -> None:
    assert found(admin, "alpine:")["Images"] == ["alpine:latest"]
    assert found(admin, "my-n")["Networks"] == ["my-net"]
    assert found(admin, "shop-d")["Volumes"] == ["shop-data"]
    assert next(iter(found(admin, "vol"))) == "Go to"
    assert found(admin, "ps")["Go to"] == ["Containers"]
    row = factories.container(local, "by-id")
    assert found(admin, row.container_id[:8])["Containers"] == ["by-id"]
    image = factories.image(local, "", image_id=f"sha256:{factories.hexid('lost')}")
    assert found(admin, image.short_id)["Images"] == [image.short_id]


def test_without_words_what_one_worked_on_and_pages(admin: User, local: Engine) -> None:
    other = factories.user("other")
    factories.operation(local, admin, name="nginx")
    factories.operation(local, admin, name="shop-web-1")
    factories.operation(local, admin, name="gone-since")
    factories.operation(local, other, name="old")
    answers = found(admin, "   ")
    assert answers["Recent"] == ["shop-web-1", "nginx"]
    assert answers["Go to"][:2] == ["Dashboard", "Containers"]


@pytest.mark.usefixtures("local")
def test_the_engine_that_one_looks_at_comes_first(admin: User) -> None:
    second = factories.engine("second")
    factories.container(second, "nginx")
    answers = Palette(admin, "nginx", "second").groups
    assert [item.detail.split(" · ")[1] for item in answers[0].items[:3]] == ["second", "local", "local"]
    assert "/e/second/" in Palette(admin, "volumes", "second").groups[0].items[0].href


@pytest.mark.usefixtures("local")
def test_changing_and_recreating_a_container(admin: User) -> None:
    assert found(admin, "recreate old")["Run"] == ["Recreate old…"]
    assert found(admin, "old upd")["Run"] == ["Change limits of old…"]
    one, other = (Palette(admin, f"{word} old").groups[0].items[0] for word in ("recreate", "update"))
    assert one.href.endswith("/recreate")
    assert other.dialog.endswith("/update")
    assert "Run" not in found(factories.user("vera", User.Role.VIEWER), "recreate old")


@pytest.mark.parametrize("question", ["", "a", "n", "stop", "stop a", "o", "e"])
def test_never_more_than_fit_and_a_fixed_number_of_queries(
    admin: User, question: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    local = factories.engine("local")
    for number in range(70):
        factories.container(local, f"a-stop-{number}")
        factories.volume(local, f"a-stop-{number}")
    with django_assert_max_num_queries(24):
        groups = Palette(admin, question).groups
    assert 0 < sum(len(group.items) for group in groups) <= MOST
    assert len({group.title for group in groups}) == len(groups)


@pytest.mark.usefixtures("local")
@pytest.mark.parametrize(
    "question", ["%", "_", "\\", "'", "nginx\x00", "\x00", "‮", "<script>", "x" * 100_000, "a " * 5_000, "İ", "ﬁ", "💥"]
)
def test_whatever_is_typed_is_only_text(client: Client, admin: User, question: str) -> None:
    client.force_login(admin)
    for headers in ({}, {"HX-Request": "true", "HX-Current-URL": "http://[::"}):
        answer = client.get("/palette", {"q": question}, headers=headers)
        assert answer.status_code == 200
        assert "<script>" not in re.sub(r"<script src=[^>]*>", "", answer.content.decode())


def test_percent_and_underscore_are_no_wild_cards(admin: User, local: Engine) -> None:
    assert "Containers" not in found(admin, "%")
    factories.container(local, "a_b")
    assert found(admin, "_")["Containers"] == ["a_b"]


@pytest.mark.usefixtures("local")
def test_htmx_gets_options_and_the_browser_a_page(client: Client, admin: User) -> None:
    client.force_login(admin)
    part = client.get("/palette", {"q": "stop nginx"}, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert 'role="option"' in part
    assert 'data-cmd="docker container stop nginx"' in part
    page = client.get("/palette", {"q": "stop nginx"}).content.decode()
    assert "<html" in page
    assert 'value="stop nginx"' in page
    assert "docker container stop nginx" in page
    answers = page.partition('class="found"')[2].partition("</section>")[0]
    assert "<button" in answers
    assert "tabindex" not in answers, "reached by Tab"
    assert 'role="option"' not in answers
    assert "Nothing fits" in client.get("/palette", {"q": "zzz"}, headers={"HX-Request": "true"}).content.decode()


def test_a_hostile_name_stays_text(client: Client, admin: User) -> None:
    factories.container(factories.engine("local"), "<img src=x>")
    client.force_login(admin)
    for question in ("img", "stop img"):
        text = client.get("/palette", {"q": question}, headers={"HX-Request": "true"}).content.decode()
        assert "<img" not in text
        assert "&lt;" in text


def test_groups_start_empty() -> None:
    assert Group("x").items is not Group("x").items


@pytest.mark.parametrize(
    ("name", "worse"), [("web", "web-1"), ("web-1", "my-web"), ("my-web", "cobweb"), ("cobweb", "other"), ("a", "b")]
)
def test_rank(name: str, worse: str) -> None:
    assert rank(name, ("web",)) < rank(worse, ("web",))


def test_words_and_marks() -> None:
    assert words_of("  A  b\x00c\n") == ("a", "b", "c")
    assert len(words_of("x " * 50)) == 8
    assert marked("aXbx", ("x",)) == [("a", False), ("X", True), ("bx", False)]
    assert marked("İx", ("x",)) == [("İx", False)]
    assert marked("abc", ()) == [("abc", False)]
