"""Start, break, mend and stop private engines."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from tools.engines import api, capsule
from tools.engines import tls as certificates
from tools.engines.install import which
from tools.engines.state import Busy, Engine, EngineError, Process, engine_folder, get, load, locked, names


def start(
    name: str,
    *,
    index: int | None = None,
    uplink: bool = False,
    tcp: int | None = None,
    tls: int | None = None,
    root: str | None = None,
    flags: Sequence[str] = (),
    owner: int | None = None,
    timeout: float = 60.0,
) -> Engine:
    """Start an engine and wait until it answers.

    index: picks the network 10.231.INDEX.0/30; None takes a free one. uplink: let it reach the outside through
    this machine. tcp: also listen on this port of its own address, in the clear; tls: the same with certificates
    on both sides, which are made. root: folder of a file system whose dockerd to run instead of this machine's.
    flags: further flags of dockerd. owner: pid of the process after whose end `reap` may remove the engine.

    An engine that runs already is left as it is; one whose dockerd died gets a new one, with its old settings.
    Raises EngineError, with the last lines of the engine's log when it did not come up.
    """
    if os.geteuid() != 0:
        raise EngineError("private engines need root")
    if tcp is not None and tls is not None:
        raise EngineError("dockerd speaks TLS on all its ports or on none: give tcp or tls")
    if root is None and which("dockerd") is None:
        raise EngineError("dockerd is missing; run: python3 tools/engine.py install")
    with locked(name):
        engine = load(name)
        if engine is None or not engine.running():
            if engine is not None:
                capsule.close_capsule(engine)
            owned_by = Process.of(owner) if owner else None
            wanted = -1 if index is None else index
            engine = Engine(name, wanted, owned_by, None, uplink, tcp, tls, root, tuple(flags))
            engine = capsule.open_capsule(engine)
        _run_dockerd(engine, timeout)
    return engine


def _run_dockerd(engine: Engine, timeout: float) -> None:
    if not capsule.processes(engine, "dockerd"):
        for stale in (engine.socket, engine.folder / "run" / "docker.pid"):
            stale.unlink(missing_ok=True)
        command = ["dockerd", "--data-root", f"{engine.folder}/data", "--exec-root", f"{engine.folder}/exec"]
        command += ["--pidfile", f"{engine.folder}/run/docker.pid", "-H", f"unix://{engine.socket}"]
        # A system bus cannot be reached from the capsule, so systemd cannot manage the groups.
        command += ["--cgroup-parent", f"/{engine.group}", "--exec-opt", "native.cgroupdriver=cgroupfs"]
        command += ["--insecure-registry", "10.231.0.0/16"]
        if engine.tcp is not None:
            command += ["-H", f"tcp://{engine.address}:{engine.tcp}"]
        if engine.tls is not None:
            certificates.make(engine.certificates, engine.address)
            folder = engine.certificates
            command += ["-H", f"tcp://{engine.address}:{engine.tls}", "--tlsverify", f"--tlscacert={folder}/ca.pem"]
            command += [f"--tlscert={folder}/server-cert.pem", f"--tlskey={folder}/server-key.pem"]
        elif engine.tcp is not None:
            # Not said to be meant, a port in the clear makes dockerd wait 15 s.
            command += ["--tls=false"]
        # Through a shell that ends at once: dockerd becomes a child of the capsule's tini. Were nsenter to stay
        # its parent, stopping dockerd (hang) would stop nsenter too, and the dead capsule could not be reaped.
        launch = ["sh", "-c", 'log=$1; shift; setsid "$@" </dev/null >>"$log" 2>&1 &', "sh", str(engine.log)]
        capsule.run(*capsule.inside(engine, *launch, *command, *engine.flags))
        capsule.wait_until(lambda: bool(capsule.processes(engine, "dockerd")), 5)

    def settled() -> bool:
        return api.answers(engine.socket) or not capsule.processes(engine, "dockerd")

    capsule.wait_until(settled, timeout, pause=0.02)
    if not api.answers(engine.socket):
        lines = capsule.tail(engine.log)
        hung = bool(capsule.processes(engine, "dockerd"))
        capsule.close_capsule(engine)
        reason = f"did not answer within {timeout:g} s" if hung else "ended at once"
        raise EngineError(f"dockerd of {engine.name} {reason}; its last lines:\n{lines}")


def stop(name: str, *, graceful: float = 10.0, wipe: bool = False) -> None:
    """Stop an engine; nothing of it stays on this machine but its folder, and with `wipe` not that either.

    graceful: seconds its dockerd may take to stop its containers and itself, 0 to end all at once.
    An engine that does not exist is no error.
    """
    if not engine_folder(name).exists():
        return
    with locked(name):
        _stop(name, graceful, wipe)


def _stop(name: str, graceful: float, wipe: bool) -> None:
    engine = load(name)
    if engine is not None:
        if graceful > 0:
            _end_dockerd(engine, graceful)
        capsule.close_capsule(engine)
        replace(engine, capsule=None).save()
    if wipe:
        # Never into something that is mounted below it.
        capsule.run("rm", "-rf", "--one-file-system", str(engine_folder(name)))


def _end_dockerd(engine: Engine, graceful: float) -> None:
    for pid in capsule.processes(engine, "dockerd"):
        process = Process.of(pid)
        if process is not None:
            _kill(pid, signal.SIGTERM)
            capsule.wait_until(lambda: not process.alive(), graceful)  # noqa: B023 - called at once


def restart(name: str, *, graceful: float = 10.0, timeout: float = 60.0) -> Engine:
    """Stop dockerd (by force after `graceful` seconds) and start it again, as the system's service manager would."""
    with locked(name):
        engine = get(name)
        if not engine.running():
            raise EngineError(f"engine {name} is not running")
        _end_dockerd(engine, graceful)
        _signal(engine, signal.SIGKILL, needed=False)
        _run_dockerd(engine, timeout)
    return engine


def kill(name: str) -> None:
    """Let dockerd crash (SIGKILL); its containers live on. `start` gives the engine a new dockerd."""
    _signal(get(name), signal.SIGKILL)


def hang(name: str) -> None:
    """Let dockerd hang (SIGSTOP): connecting still succeeds, nothing answers."""
    engine = get(name)
    _signal(engine, signal.SIGSTOP)
    # Its threads stop one after the other, and one of them might still answer.
    pids = capsule.processes(engine, "dockerd")
    if not capsule.wait_until(lambda: all(capsule.stopped(pid) for pid in pids), 10):
        raise EngineError(f"dockerd of {name} does not stop")


def resume(name: str) -> None:
    """Let a hung dockerd go on (SIGCONT)."""
    _signal(get(name), signal.SIGCONT)


def _signal(engine: Engine, number: signal.Signals, *, needed: bool = True) -> None:
    pids = capsule.processes(engine, "dockerd")
    if needed and not pids:
        raise EngineError(f"engine {engine.name} has no running dockerd")
    for pid in pids:
        _kill(pid, number)
    if number == signal.SIGKILL:
        capsule.wait_until(lambda: not capsule.processes(engine, "dockerd"), 10)


def _kill(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it ended since it was looked up
        os.kill(pid, number)


def status(engine: Engine) -> dict[str, object]:
    """What there is to know about an engine: `state` is stopped, dead (no dockerd), silent or running."""
    version: dict[str, object] = {}
    if not engine.running():
        state = "stopped"
    elif not capsule.processes(engine, "dockerd"):
        state = "dead"
    elif not api.answers(engine.socket):
        state = "silent"
    else:
        state = "running"
        version = api.get_json(engine.socket, "/version", timeout=5)
    return {
        "name": engine.name,
        "state": state,
        "socket": f"unix://{engine.socket}",
        "address": engine.address,
        "tcp": f"tcp://{engine.address}:{engine.tcp}" if engine.tcp else None,
        "tls": f"tcp://{engine.address}:{engine.tls}" if engine.tls else None,
        "version": version.get("Version"),
        "api": version.get("ApiVersion"),
        "owner": engine.owner.pid if engine.owner else None,
        "folder": str(engine.folder),
    }


def reap() -> list[str]:
    """Remove the engines whose owner is dead, and folders without a record; returns their names.

    An engine that somebody is starting or stopping right now is left to him.
    """
    gone = []
    for name in names():
        try:
            with locked(name, wait=False):
                engine = load(name)
                if engine is None or (engine.owner is not None and not engine.owner.alive()):
                    _stop(name, graceful=0, wipe=True)
                    gone.append(name)
        except Busy:
            continue
    return gone


def docker(
    engine: Engine, *arguments: str, stdin: str | None = None, timeout: float = 120.0
) -> subprocess.CompletedProcess[str]:
    """Run the docker command line client against an engine, with an environment that holds nothing else."""
    client = which("docker")
    if client is None:
        raise EngineError("docker is missing; run: python3 tools/engine.py install")
    environment = capsule.ENVIRONMENT | {
        "DOCKER_HOST": f"unix://{engine.socket}",
        "DOCKER_CONFIG": f"{engine.folder}/client",
        # The builder every engine has; the other one needs a plugin of the client.
        "DOCKER_BUILDKIT": "0",
    }
    return subprocess.run(
        [client, *arguments],
        env=environment,
        input=stdin or "",
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
