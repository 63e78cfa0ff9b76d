"""What a test run is made of."""

from __future__ import annotations

from pathlib import Path

from tools import setup
from tools import test as tool


def test_a_run_sees_nothing_of_a_persons_console() -> None:
    given = {
        "PATH": "/usr/bin",
        "PIP_CERT": "/ca.pem",
        "DOCKER_HOST": "tcp://192.0.2.1:2375",
        "QUARTERDECK_ADMIN_PASSWORD": "x",
        "DATABASE_URL": "postgres://production/db",
        "PORT": "80",
    }
    made = tool.environment(given, "/scratch")
    assert {name: made.get(name) for name in given} == {"PATH": "/usr/bin", "PIP_CERT": "/ca.pem"} | dict.fromkeys(
        ["DOCKER_HOST", "QUARTERDECK_ADMIN_PASSWORD", "DATABASE_URL", "PORT"]
    )
    assert made["QUARTERDECK_DATA"] == "/scratch"


def test_browser_tests_are_a_run_of_their_own_and_long_ones_are_left_out() -> None:
    rest, browser = tool.runs("test", ["-x"])
    assert rest[0] == "tests"
    assert "--ignore=tests/e2e" in rest
    assert "--ignore=tests/bench" in rest
    assert browser[0] == "tests/e2e"
    for run in (rest, browser):
        assert run[run.index("-m") + 1] == "not soak"
        assert run[-1] == "-x"


def test_soak_is_the_long_ones_of_both_and_bench_prints() -> None:
    assert [run[run.index("-m") + 1] for run in tool.runs("soak", [])] == ["soak", "soak"]
    assert tool.runs("bench", [])[0][:2] == ["tests/bench", "-s"]


def test_a_part_of_the_unit_tests_is_run_on_postgresql_as_well() -> None:
    [part] = tool.on_postgresql("test", [])
    named = [setup.ROOT / name for name in part if name.startswith("tests/")]
    assert len(named) == len(tool.ON_BOTH)
    assert all(path.exists() for path in named)
    assert tool.on_postgresql("test", ["-k", "one"]) == tool.on_postgresql("soak", []) == []
    [whole] = tool.on_postgresql("postgresql", ["-x"])
    assert (whole[0], whole[-1]) == ("tests/unit", "-x")
    assert tool.runs("postgresql", ["-x"]) == []


def test_what_stays_in_the_spool_is_told(tmp_path: Path) -> None:
    (tmp_path / "spool" / "uploads").mkdir(parents=True)
    assert tool.left_in(tmp_path) == []
    (tmp_path / "spool" / "uploads" / "1-x.up").touch()
    assert tool.left_in(tmp_path) == ["spool/uploads/1-x.up"]
