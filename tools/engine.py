#!/usr/bin/env python3
"""Private Docker engines on this machine, for tests and trials (root, Debian 12 or later).

Each engine has its own network, mounts, processes and data below $QUARTERDECK_ENGINES
(default /var/tmp/quarterdeck-engines) and leaves nothing behind when it is stopped. Examples:

  python3 tools/engine.py install
  python3 tools/engine.py start e1            prints the address for DOCKER_HOST
  python3 tools/engine.py images e1           alpine, busybox and a small nginx, without any registry
  python3 tools/engine.py stop e1 --wipe
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools import engines
from tools.engines import capsule, distribution, images
from tools.engines.install import install


def parser() -> argparse.ArgumentParser:
    """The command line, one sub-command a verb."""
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")

    verbs.add_parser("install", help="install what is missing on this machine, and get busybox for the images")

    verb = verbs.add_parser("start", help="start an engine; flags for dockerd follow after --")
    verb.add_argument("name")
    verb.add_argument("--index", type=int, help="use the network 10.231.INDEX.0/30 (default: a free one)")
    verb.add_argument("--uplink", action="store_true", help="let the engine reach what this machine reaches")
    verb.add_argument("--tcp", type=int, metavar="PORT", help="also listen on this port, in the clear")
    verb.add_argument("--tls", type=int, metavar="PORT", help="also listen on this port, with TLS on both sides")
    verb.add_argument("--root", metavar="DIR", help="run the dockerd of this file system (see: root)")
    verb.add_argument("--owner", type=int, metavar="PID", help="let reap remove the engine when this process is dead")
    verb.add_argument("flags", nargs="*", metavar="FLAG")

    verb = verbs.add_parser("stop", help="stop an engine")
    verb.add_argument("name")
    verb.add_argument("--wipe", action="store_true", help="remove its data too")
    verb.add_argument("--graceful", type=float, default=10.0, metavar="S", help="seconds it may take (default 10)")

    verb = verbs.add_parser("status", help="show engines as JSON, one a line")
    verb.add_argument("name", nargs="?")
    for name, text in (
        ("kill", "let dockerd crash; its containers live on"),
        ("hang", "let dockerd hang"),
        ("resume", "let a hung dockerd go on"),
        ("restart", "restart dockerd"),
    ):
        verbs.add_parser(name, help=text).add_argument("name")

    verb = verbs.add_parser("exec", help="run a command in the engine's namespaces: exec NAME -- ip address")
    verb.add_argument("name")
    verb.add_argument("command", nargs="+")

    verb = verbs.add_parser("images", help="load test images into an engine")
    verb.add_argument("name")
    known = (*images.FAST, "layers", *distribution.IMAGES)
    verb.add_argument("images", nargs="*", default=list(images.FAST), help=f"of: {', '.join(known)}")

    verb = verbs.add_parser("root", help="make a file system with the engine of another Debian suite")
    verb.add_argument("suite", help="trixie (Docker 26.1), sid (28.5), bookworm (20.10)")

    verbs.add_parser("reap", help="remove engines whose owner is dead")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    given = parser().parse_args(arguments)
    try:
        return perform(given)
    except engines.EngineError as error:
        print(f"engine.py: {error}", file=sys.stderr)
        return 1


def perform(given: argparse.Namespace) -> int:
    """Do what the command line says. Raises EngineError."""
    match given.verb:
        case "install":
            packages = install()
            images.fast_archive()
            print(f"installed {' '.join(packages)}" if packages else "nothing to install")
        case "start":
            engine = engines.start(
                given.name,
                index=given.index,
                uplink=given.uplink,
                tcp=given.tcp,
                tls=given.tls,
                root=given.root,
                flags=given.flags,
                owner=given.owner,
            )
            print(f"unix://{engine.socket}")
        case "stop":
            engines.stop(given.name, graceful=given.graceful, wipe=given.wipe)
        case "status":
            for name in [given.name] if given.name else engines.names():
                print(json.dumps(engines.status(engines.get(name))))
        case "kill":
            engines.kill(given.name)
        case "hang":
            engines.hang(given.name)
        case "resume":
            engines.resume(given.name)
        case "restart":
            engines.restart(given.name)
        case "exec":
            command = capsule.inside(engines.get(given.name), *given.command)
            os.execvp(command[0], command)  # noqa: S606 - this process becomes the command
        case "images":
            distribution.load(engines.get(given.name), given.images)
        case "root":
            print(distribution.root(given.suite))
        case "reap":
            for name in engines.reap():
                print(f"removed {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
