"""What is typed is understood, or it is said that it is not."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.engine.command.flags import LONG
from console.engine.command.parse import MAX_LENGTH, Parsed, parse
from console.engine.command.render import render
from console.engine.command.spec import (
    Device,
    GpuRequest,
    Mount,
    NetworkAttachment,
    PublishedPort,
    RestartPolicy,
    RunSpec,
    Ulimit,
    Variable,
    Volume,
)

PIECES = st.sampled_from(
    ["docker", "run", "container", "create", "-", "--", "-d", "-it", "-e", "--env=", "--mount", "--gpus", "=", ",", '"']
    + [
        "'",
        "\\",
        "\n",
        "$",
        "${",
        "$(",
        "`",
        "~",
        "#",
        ";",
        "-p",
        "80:",
        "1-",
        "--network",
        "name=",
        "--ulimit",
        "nofile=",
    ]
    + [f"--{name}" for name in LONG]
)


def sentences(found: Parsed) -> str:
    return "\n".join(note.sentence for note in found.unmapped)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("docker run nginx", {}),
        ("docker container run -dit nginx", {"detach": True, "interactive": True, "tty": True}),
        ("docker run -itp 80:80 nginx", {"interactive": True, "tty": True, "publish": (PublishedPort("80", "80"),)}),
        ("docker run -p80:80 nginx", {"publish": (PublishedPort("80", "80"),)}),
        ("docker run -p=80:80 nginx", {"publish": (PublishedPort("80", "80"),)}),
        ("docker run -d=false --rm=true nginx", {"rm": True}),
        ("docker run --name=web nginx -d", {"name": "web", "command": ("-d",)}),
        ("docker run --name web -- nginx", {"name": "web"}),
        ("docker create --net a --net-alias x nginx", {"networks": (NetworkAttachment("a", ("x",)),), "start": False}),
        ("docker run -e A=1 -e B -e C= nginx", {"env": (Variable("A", "1"), Variable("B"), Variable("C", ""))}),
        ("docker run -e 'A=x y' nginx sh -c \"echo 'hi'\"", {"env": (Variable("A", "x y"),)}),
        (
            "docker run -p 127.0.0.1:8000-8002:80-82/udp nginx",
            {"publish": (PublishedPort("80-82", "8000-8002", "127.0.0.1", "udp"),)},
        ),
        ("docker run -p '[::1]:80:80' nginx", {"publish": (PublishedPort("80", "80", "::1"),)}),
        ("docker run -p 127.0.0.1::80 nginx", {"publish": (PublishedPort("80", "", "127.0.0.1"),)}),
        ("docker run -p published=80,target=8080 nginx", {"publish": (PublishedPort("8080", "80"),)}),
        (
            "docker run -v /a:/b:ro -v data:/c -v /d nginx",
            {"volume": (Volume("/b", "/a", "ro"), Volume("/c", "data"), Volume("/d"))},
        ),
        ("docker run -v 'C:\\x:/y' nginx", {"volume": (Volume("/y", "C:\\x"),)}),
        ("docker run --mount type=bind,src=/a,dst=/b,ro nginx", {"mount": (Mount("bind", "/a", "/b", True),)}),
        (
            "docker run --mount type=tmpfs,target=/t,tmpfs-mode=1770,tmpfs-size=1m nginx",
            {"mount": (Mount("tmpfs", target="/t", tmpfs_size=1 << 20, tmpfs_mode=0o1770),)},
        ),
        ("docker run -m 512m --cpus 1.5 nginx", {"memory": 512 << 20, "cpus": 1_500_000_000}),
        ("docker run -m 1.5GiB --memory-swap -1 nginx", {"memory": 3 << 29, "memory_swap": -1}),
        ("docker run --restart on-failure:3 nginx", {"restart": RestartPolicy("on-failure", 3)}),
        (
            "docker run --ulimit nofile=1:2 --ulimit core=-1 nginx",
            {"ulimit": (Ulimit("nofile", 1, 2), Ulimit("core", -1, -1))},
        ),
        (
            "docker run --device /dev/a:/dev/b:rw --device /dev/c:r nginx",
            {"device": (Device("/dev/a", "/dev/b", "rw"), Device("/dev/c", "", "r"))},
        ),
        ("docker run --gpus all nginx", {"gpus": (GpuRequest(-1),)}),
        ("docker run --gpus '\"device=0,2\"' nginx", {"gpus": (GpuRequest(devices=("0", "2")),)}),
        (
            "docker run --network name=n,alias=a,ip=10.0.0.9 nginx",
            {"networks": (NetworkAttachment("n", ("a",), "10.0.0.9"),)},
        ),
        ("docker run --ip 10.0.0.9 --network n nginx", {"networks": (NetworkAttachment("n", (), "10.0.0.9"),)}),
        ("docker run --add-host a:1.2.3.4 --add-host 'b=[::1]' nginx", {"add_host": (("a", "1.2.3.4"), ("b", "::1"))}),
        (
            "docker run --health-interval 1m30s --health-timeout 500ms nginx",
            {"health_interval": 90 * 10**9, "health_timeout": 5 * 10**8},
        ),
        ("docker run --entrypoint= nginx", {"entrypoint": ""}),
        ("docker run --entrypoint '' nginx", {"entrypoint": ""}),
        ("docker run --init=false --sig-proxy=false nginx", {"init": False, "sig_proxy": False}),
        ("docker run \\\n  -d \\\r\n  --name web \\\n  nginx", {"detach": True, "name": "web"}),
        ("docker run `\n -d nginx", {"detach": True}),
        ("docker run $'--name=a\\tb' nginx", {"name": "a\tb"}),
    ],
)
def test_what_a_line_says(line: str, expected: dict[str, Any]) -> None:
    found = parse(line)
    assert found.spec.image == "nginx"
    given = {"start": True, **expected}
    assert {name: getattr(found.spec, name) for name in given} == given
    assert parse(render(found.spec)).spec == found.spec


@pytest.mark.parametrize(
    "line",
    [
        "$ docker run -d nginx",
        "# docker run -d nginx",
        "sudo docker run -d nginx",
        "sudo -E docker run -d nginx",
        "user@host:~$ sudo /usr/bin/docker run -d nginx",
        "\n\n  docker run -d nginx\n\n",
        "# start it\ndocker run -d nginx",
        "docker --context prod run -d nginx",
        "FOO=1 docker run -d nginx",
        "podman run -d nginx",
        "docker run -d nginx # the web server",
        "docker run -d nginx && echo done",
        "docker run -d \\\n> nginx",
    ],
)
def test_what_stands_around_is_reported(line: str) -> None:
    found = parse(line)
    assert found.spec == RunSpec(image="nginx", detach=True)
    plain = line.strip() == "docker run -d nginx"
    assert bool(found.changed or found.unmapped) is not plain


@pytest.mark.parametrize(
    ("line", "piece", "said"),
    [
        ("docker run --nope nginx", "--nope", "not an option"),
        ("docker run -dZ nginx", "-dZ", "-Z is not an option"),
        ("docker run --nope x -d nginx", "--nope x", "“x” was taken as its value"),
        ("docker create -d nginx", "-d", "docker container run only"),
        ("docker run -m lots nginx", "-m lots", "not a size"),
        ("docker run -p 99999:80 nginx", "-p 99999:80", "not a port"),
        ("docker run -p 1-2:3-9 nginx", "-p 1-2:3-9", "differ in length"),
        ("docker run -v ab::cd nginx", "-v ab::cd", "nothing between two colons"),
        ("docker run -v ./x:/y nginx", "-v ./x:/y", "depends on where"),
        ("docker run --restart sometimes nginx", "--restart sometimes", "Only no, always"),
        ("docker run --ulimit files=3 nginx", "--ulimit files=3", "not a limit"),
        ("docker run --cpus many nginx", "--cpus many", "not a number of CPUs"),
        ("docker run --sysctl vm.x=1 nginx", "--sysctl vm.x=1", "belong to a container"),
        ("docker run --mount type=bind,volume-nocopy nginx", "--mount type=bind,volume-nocopy", "fits a mount"),
        ("docker run --env-file .env nginx", "--env-file .env", "give its content"),
        ("docker run --pid here nginx", "--pid here", "container:NAME"),
        ("docker run --rm=perhaps nginx", "--rm=perhaps", "true or false"),
        ("docker run -d nginx; reboot", "; reboot", "for the shell"),
        ("docker run -d nginx\nrm -rf x", "rm -rf x", "another command"),
        ("docker run nginx 'x", "'x", "not closed"),
    ],
)
def test_what_cannot_be_taken_is_said_with_its_place(line: str, piece: str, said: str) -> None:
    found = parse(line)
    [note] = [note for note in found.unmapped if said in note.sentence]
    assert note.source.strip() == piece
    assert line[note.position :].strip().startswith(piece)
    assert found.spec.image == "nginx"


def test_notes_in_backticks_are_comments() -> None:
    found = parse(
        "docker run -d `# optional` \\\n  --cap-add=SYS_MODULE `#optional` \\\n  -e A=1`#glued` nginx `#last`"
    )
    assert found.spec.image == "nginx"
    assert found.spec.env == (Variable("A", "1"),)
    assert (found.spec.cap_add, found.spec.command) == (("SYS_MODULE",), ())
    assert [note.source for note in found.changed] == ["`# optional`", "`#optional`", "`#glued`", "`#last`"]
    assert (found.unmapped, found.variables) == ((), ())


def test_places_to_fill_in_are_left_as_typed_and_pointed_out() -> None:
    found = parse("docker run -d -v <path/to/media>:/data -e KEY=<your key> -e TZ='<zone>' nginx <command>")
    assert found.spec.image == "nginx"
    assert found.spec.env == (Variable("KEY", "<your key>"), Variable("TZ", "<zone>"))
    assert [volume.source for volume in found.spec.volume] == ["<path/to/media>"]
    assert found.spec.command == ("<command>",)
    assert [note.source for note in found.variables] == ["<path/to/media>", "<your key>", "<command>"]
    assert found.unmapped == ()


@pytest.mark.parametrize("tail", ["< in", "<in", "<in >out", "<<EOF", "> out"])
def test_what_only_a_shell_can_do_is_left_out_and_said(tail: str) -> None:
    found = parse(f"docker run -d nginx {tail}")
    assert (found.spec.image, found.spec.command) == ("nginx", ())
    assert "for the shell" in sentences(found)


@pytest.mark.parametrize(
    "before", ["docker volume create data\n", "VERSION=1\n", "# first\ndocker pull nginx && ", "mkdir x; cd x\n$ sudo "]
)
def test_other_commands_before_it_are_passed_over_and_said(before: str) -> None:
    line = f"{before}docker run -d --name web nginx"
    found = parse(line)
    assert (found.spec.name, found.spec.image) == ("web", "nginx")
    [note] = [note for note in found.unmapped if "stands before" in note.sentence]
    assert line[note.position :].startswith(note.source)
    assert before.startswith(note.source)
    assert all(line[note.position :].startswith(note.source) for note in found.changed)


@pytest.mark.parametrize(
    "line", ["", "   ", "ls -l", "docker", "docker ps", "docker container ls", "docker run", "run nginx"]
)
def test_what_is_no_run_command_has_no_image_and_a_reason(line: str) -> None:
    found = parse(line)
    assert found.spec.image == ""
    assert "The image is missing." in sentences(found)


def test_a_missing_value_and_contradictions() -> None:
    assert "needs a value" in sentences(parse("docker run -e"))
    assert "exclude each other" in sentences(parse("docker run --rm --restart always nginx"))
    assert "given more than once" in sentences(parse("docker run --network a --network a nginx"))
    assert "given twice" in sentences(parse("docker run --network name=a,ip=10.0.0.1 --ip 10.0.0.2 nginx"))


def test_variables_are_left_as_typed_and_pointed_out() -> None:
    line = 'docker run -e "A=$A" -e B=\'$B\' -v "$(pwd)":/x -v ~/y:/y ${IMAGE:-nginx} `id`'
    found = parse(line)
    assert [note.source for note in found.variables] == ["$A", "$(pwd)", "~", "${IMAGE:-nginx}", "`id`"]
    assert all(line[note.position :].startswith(note.source) for note in found.variables)
    assert found.spec.env == (Variable("A", "$A"), Variable("B", "$B"))
    assert found.spec.image == "${IMAGE:-nginx}"


def test_what_is_taken_otherwise_is_said() -> None:
    found = parse("docker run -d --name a --name b -m 1024m --network NAME=Web,alias=X nginx")
    said = "\n".join(note.sentence for note in found.changed)
    assert "the last one counts" in said
    assert "“1024m” is the same as “1g”" in said
    assert "lower case" in said
    assert found.spec.name == "b"


def test_a_text_that_is_too_long_is_not_read() -> None:
    assert "longer than" in sentences(parse("docker run nginx " + "x" * MAX_LENGTH))


@pytest.mark.parametrize("piece", ["${a", "$(a", "`\n", "$'", '"$', "'", "<a", "`#", "a@b", "\ndocker "])
def test_what_is_never_closed_takes_no_time(piece: str) -> None:
    began = time.process_time()
    parse("docker run nginx " + piece * (200_000 // len(piece)))
    assert time.process_time() - began < 2


@settings(max_examples=3000, deadline=None)
@given(
    st.text()
    | st.lists(PIECES | st.text(max_size=4), max_size=12).flatmap(
        lambda p: st.sampled_from([" ", ""]).map(lambda glue: glue.join(p))
    )
    | st.lists(PIECES | st.text(max_size=6), max_size=8).map(lambda p: "docker run " + " ".join(p))
)
def test_no_text_raises(text: str) -> None:
    found = parse(text)
    assert parse(text) == found
    for note in (*found.changed, *found.unmapped, *found.variables):
        assert 0 <= note.position <= len(text)
        assert note.sentence.endswith((".", "”."))
    if found.spec.image:
        assert parse(render(found.spec)).spec == found.spec


@given(st.sampled_from(sorted(LONG)), st.text(max_size=20))
@settings(max_examples=1500, deadline=None)
def test_any_value_of_any_option_is_taken_or_refused(name: str, value: str) -> None:
    quoted = "'" + value.replace("'", "'\"'\"'") + "'"
    found = parse(f"docker run --{name}={quoted} nginx")
    assert found.spec.image == "nginx"
    assert found.understood or found.unmapped
    assert parse(render(found.spec)).spec == found.spec
