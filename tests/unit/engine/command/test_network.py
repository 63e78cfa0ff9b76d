"""``docker network …`` from values to a command and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.engine.command.network import (
    ConnectNetwork,
    CreateNetwork,
    DisconnectNetwork,
    NoSubnet,
    RemoveNetwork,
    parse,
    pools,
    render,
    render_lines,
)

WORD = st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=12).filter(
    lambda text: text.strip() == text and not text.startswith("-")
)
NAME = WORD.filter(lambda text: "=" not in text)
PAIRS = st.lists(st.tuples(NAME, st.one_of(st.just(""), WORD)), max_size=3, unique_by=lambda pair: pair[0]).map(tuple)
ITEMS = st.lists(WORD.filter(lambda text: "," not in text), max_size=3).map(tuple)
CREATE = st.builds(
    CreateNetwork,
    name=WORD,
    driver=WORD,
    subnet=ITEMS,
    gateway=ITEMS,
    ip_range=ITEMS,
    aux_address=PAIRS,
    ipv6=st.booleans(),
    internal=st.booleans(),
    attachable=st.booleans(),
    opt=PAIRS,
    label=PAIRS,
    ipam_opt=PAIRS,
)
CONNECT = st.builds(ConnectNetwork, network=WORD, container=WORD, alias=ITEMS, ip=WORD, link=ITEMS, driver_opt=PAIRS)
OTHER = st.one_of(
    st.builds(DisconnectNetwork, network=WORD, container=WORD, force=st.booleans()), st.builds(RemoveNetwork, WORD)
)


@given(st.one_of(CREATE, CONNECT, OTHER))
def test_what_is_rendered_is_read_as_the_same(command: CreateNetwork | ConnectNetwork) -> None:
    for text in (render(command), render_lines(command)):
        found = parse(text)
        assert found.command == command
        assert not [note for note in found.notes if "not an option" in note or "too many" in note]


def test_a_command_as_people_type_it() -> None:
    found = parse("sudo docker network create -d=macvlan -o parent=eth0 --subnet=10.1.0.0/16,fd00::/64 --ipv6 \\\n lan")
    assert found.command == CreateNetwork(
        "lan", "macvlan", ("10.1.0.0/16", "fd00::/64"), ipv6=True, opt=(("parent", "eth0"),)
    )
    assert found.notes == []
    assert parse("docker network rm a").command == RemoveNetwork("a")
    assert parse("docker network disconnect -f a b").command == DisconnectNetwork("a", "b", True)


def test_nothing_is_dropped_without_a_note() -> None:
    found = parse("docker network create --colour=red a b c")
    assert [note for note in found.notes if "--colour" in note]
    assert len([note for note in found.notes if "too many" in note]) == 2
    assert parse("docker volume create x").command is None
    assert parse("").command is None


def test_what_is_missing_stands_in_capitals() -> None:
    assert render(CreateNetwork()) == "docker network create --driver bridge NAME"
    assert render(ConnectNetwork("my-net")) == "docker network connect my-net CONTAINER"


def test_addresses_find_their_subnet() -> None:
    spec = CreateNetwork(
        "x",
        subnet=("10.1.0.0/16", "fd00::/64"),
        gateway=("fd00::1", "10.1.0.1"),
        ip_range=("10.1.5.0/24",),
        aux_address=(("router", "10.1.0.9"),),
    )
    assert pools(spec) == [
        {
            "Subnet": "10.1.0.0/16",
            "Gateway": "10.1.0.1",
            "IPRange": "10.1.5.0/24",
            "AuxiliaryAddresses": {"router": "10.1.0.9"},
        },
        {"Subnet": "fd00::/64", "Gateway": "fd00::1"},
    ]
    with pytest.raises(NoSubnet):
        pools(CreateNetwork("x", subnet=("10.1.0.0/16",), gateway=("10.2.0.1",)))


def test_a_text_that_is_no_command_by_its_length() -> None:
    found = parse("docker network create " + "${a" * 100_000)
    assert found.command is None
    assert "longer than" in found.notes[0]
