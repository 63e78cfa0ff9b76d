"""The filter: what is typed, what it means, and that nothing typed can do anything else than be refused."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import Q
from hypothesis import example, given
from hypothesis import strategies as st

from console import filters
from console.filters import FilterError, Term
from console.models import Container

KEYS = {
    "name": filters.contains("name", example="name:web"),
    "id": filters.starts("container_id", example="id:2a42"),
    "state": filters.choice("state", ("running", "exited"), "state:running", {"stopped": ("exited", "dead")}),
    "project": filters.like("project", "project:shop"),
    "label": filters.label("labels", "label:tier=web", lambda name: name != "hidden"),
    "exit": filters.number("exit_code", "exit>0"),
    "size": filters.size("restart_count", "size>10MB"),
    "created": filters.age("created_at", "created<2h"),
    "is": filters.flag({"tty": Q(tty=True)}, "is:tty"),
}


def word(value: str) -> Q:
    return Q(name__icontains=value)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        ("   ", []),
        ("web", [("", ":", "web", False)]),
        ("web api", [("", ":", "web", False), ("", ":", "api", False)]),
        ("state:running", [("state", ":", "running", False)]),
        ("-state:running", [("state", ":", "running", True)]),
        ("-web", [("", ":", "web", True)]),
        ("-", [("", ":", "-", False)]),
        ("STATE:running", [("state", ":", "running", False)]),
        ("size>10MB", [("size", ">", "10MB", False)]),
        ("size>=10MB", [("size", ">=", "10MB", False)]),
        ("created<2h", [("created", "<", "2h", False)]),
        ("label:tier=web", [("label", ":", "tier=web", False)]),
        ("image:nginx:1.27", [("image", ":", "nginx:1.27", False)]),
        ('"nginx:1.27"', [("", ":", "nginx:1.27", False)]),
        ('label:"a b"=c', [("label", ":", "a b=c", False)]),
        ("name:'it is'", [("name", ":", "it is", False)]),
        (r'"a\"b"', [("", ":", 'a"b', False)]),
        ("[::]:80", [("", ":", "[::]:80", False)]),
        ('name:""', [("name", ":", "", False)]),
    ],
)
def test_parse(text: str, terms: list[tuple[str, str, str, bool]]) -> None:
    assert [(t.key, t.operator, t.value, t.negated) for t in filters.parse(text)] == terms


@pytest.mark.parametrize(
    ("text", "message", "at"),
    [
        ('web "api', "A quote is opened and not closed.", 4),
        ("a\x00b", "The filter holds a character that cannot be searched for.", 1),
        ("ab\ud800", "The filter holds a character that cannot be searched for.", 2),
        ("x" * 501, "The filter is longer than 500 characters.", 500),
        ("a " * 21, "A filter has at most 20 terms.", 40),
        ("web colour:red", "Unknown key “colour”. Keys: name, id, state, project, label, exit, size, created, is.", 4),
        ("state:up", "“up” is none of running, exited, stopped.", 0),
        ("state>running", "“state” is not compared by size. Write it as state:running.", 0),
        ("state:", "“state” needs a value, such as state:running.", 0),
        ("exit:many", "“many” is not a whole number.", 0),
        ("exit:99999999999999999999", "is not a whole number.", 0),
        ("exit:9999999999999999999", "is not a whole number.", 0),
        ("size>big", "“big” is not a size.", 0),
        ("created<soon", "“soon” is not a length of time.", 0),
        ("created<999999999w", "“999999999w” is longer than time itself.", 0),
        ("label:=web", "A label has a name", 0),
        ("label:hidden=x", "The values of the label “hidden” are hidden from you.", 0),
        ("is:odd", "“odd” is none of tty.", 0),
    ],
)
def test_what_is_wrong(text: str, message: str, at: int) -> None:
    with pytest.raises(FilterError) as caught:
        filters.build(filters.parse(text), KEYS, word)
    assert message in caught.value.message
    assert caught.value.at == at


typed = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
likely = st.lists(
    st.sampled_from(
        ["name:", "-", "label:", "exit>", "size<", "created:", "state:", "is:", "project:*", '"', "'", "\\"]
    )
    | st.sampled_from(["=", "web", " ", "10MB", "2h", "ａ", "%", "_", "$.", "tier", "[0]", "{", ", ", "\u2028", "é"]),
    max_size=12,
).map("".join)


@given(typed | likely)
@example("\\")
@example("'\\")
@example('label:a"b\\c=d"e')
@example("id:'")
def test_anything_is_parsed_or_refused(text: str) -> None:
    try:
        terms = filters.parse(text)
    except FilterError as error:
        place = error.at
    else:
        check_terms(text, terms)
        return
    assert 0 <= place <= len(text)


def check_terms(text: str, terms: tuple[Term, ...]) -> None:
    assert all(text[term.at :].startswith(term.raw) for term in terms)
    chips, words = filters.chips(terms)
    again = filters.parse(" ".join([*chips, words]))
    assert sorted((t.key, t.value, t.negated) for t in again) == sorted((t.key, t.value, t.negated) for t in terms)


@pytest.mark.django_db
def test_anything_can_be_asked_of_the_database() -> None:
    @given(typed | likely)
    @example('label:"a\\"b"')
    @example("label:'a\\b'=1")
    @example("label:é=日本")
    def ask(text: str) -> None:
        try:
            condition = filters.build(filters.parse(text), KEYS, word)
        except FilterError:
            return
        assert list(Container.objects.filter(condition)) == []

    ask()
    assert connection.vendor in {"sqlite", "postgresql"}


@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=40))
def test_a_quoted_value_is_one_word(value: str) -> None:
    terms = filters.parse(f"name:{filters.quoted(value)}")
    assert [(term.key, term.value) for term in terms] == [("name", value)]
