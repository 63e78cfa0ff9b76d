"""What of a form becomes ``docker container update``: only what differs, and nothing that the engine would ignore."""

from __future__ import annotations

import pytest

from console.engine.command import update
from console.operations.params import InvalidParams
from console.operations.update_params import UpdateParams

HOST = {
    "Memory": 128 * 1024**2,
    "MemorySwap": -1,
    "MemoryReservation": 0,
    "NanoCpus": 500_000_000,
    "CpuShares": 0,
    "CpusetCpus": "0",
    "CpusetMems": "",
    "PidsLimit": None,
    "BlkioWeight": 0,
    "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3},
}
PRESENT = {
    "memory": "128m",
    "memory-swap": "-1",
    "memory-reservation": "",
    "cpus": "0.5",
    "cpu-shares": "",
    "cpuset-cpus": "0",
    "cpuset-mems": "",
    "pids-limit": "",
    "blkio-weight": "",
    "restart": "on-failure:3",
}


def test_what_an_inspect_says() -> None:
    assert update.present(HOST) == PRESENT
    assert update.present({"PidsLimit": -1})["pids-limit"] == ""
    assert update.present({})["restart"] == "no"


def test_only_what_differs_is_asked_for() -> None:
    params = UpdateParams.changed(PRESENT | {"memory": " 256 MB ", "restart": "always", "cpus": "0.5"}, PRESENT)
    assert params.options == (("memory", "256m"), ("restart", "always"))
    assert params.command("", "web 1") == "docker container update --memory 256m --restart always 'web 1'"
    assert update.body(params.options) == {
        "Memory": 256 * 1024**2,
        "RestartPolicy": {"Name": "always", "MaximumRetryCount": 0},
    }
    assert UpdateParams.read(params.to_json()) == params


def test_what_can_be_taken_away_is() -> None:
    params = UpdateParams.changed(PRESENT | {"pids-limit": "", "restart": ""}, PRESENT | {"pids-limit": "9"})
    assert params.options == (("pids-limit", "-1"), ("restart", "no"))


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("", {}, "Nothing is changed."),
        ("memory", {"memory": ""}, "cannot take this limit away"),
        ("memory", {"memory": "0"}, "as it is"),
        ("memory", {"memory": "much"}, "not a size"),
        ("memory-swap", {"memory-swap": ""}, "-1 lets it use"),
        ("cpus", {"cpus": "many"}, "not a number of CPUs"),
        ("pids-limit", {"pids-limit": "x"}, "not a whole number"),
        ("restart", {"restart": "sometimes"}, ""),
        ("restart", {"restart": "always:3"}, ""),
        ("blkio-weight", {"blkio-weight": "999999"}, "Only 0 to 65535"),
        ("cpuset-cpus", {"cpuset-cpus": "0" * 300}, "too long"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(field: str, typed: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidParams) as error:
        UpdateParams.changed(PRESENT | typed, PRESENT)
    assert list(error.value.errors) == [field]
    assert words in error.value.errors[field]


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidParams) as error:
        UpdateParams.changed(PRESENT | {"memory": "", "cpus": "x", "restart": "no"}, PRESENT)
    assert set(error.value.errors) == {"memory", "cpus"}
