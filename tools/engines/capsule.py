"""The capsule of a private engine: its own network, mount, pid and host-name namespaces.

The capsule's first process is an idle `tini`. Killing it makes the kernel end every process of the engine and
give back its mounts, bridges and firewall rules in one go; what the kernel does not know to be the engine's
(uplink rules, empty control groups, files) is removed here.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from tools.engines.install import which
from tools.engines.state import SYSTEM_PATH, Engine, EngineError, Process, load, machine_lock, names, state_folder

INDEXES = range(251)
ENVIRONMENT = {"PATH": SYSTEM_PATH, "HOME": "/root", "LC_ALL": "C"}

# setsid --fork: nobody has to wait for the capsule, and it outlives whoever started it.
CAPSULE = ("setsid", "--fork", "unshare", "--net", "--mount", "--pid", "--uts", "--fork", "--kill-child")

# $1 folder, $2 other root or '', $3 host name. Its pid, as this machine counts, stays the pid of tini.
INIT = r"""
set -e
folder=$1 root=$2
read -r pid rest </proc/self/stat
mount --make-rprivate /
hostname "$3"
mkdir -p "$root/etc/docker" "$folder/etc"
if [ -n "$root" ]; then
  mount --bind "$root" "$root"
  mkdir -p "$root/.old"
  for m in /sys /dev; do mount --rbind "$m" "$root$m"; done
  mount -t proc proc "$root/proc"
  mount -t tmpfs tmpfs "$root/run"
  mount -t tmpfs tmpfs "$root/tmp"
  mkdir -p "$root$folder"
  mount --rbind "$folder" "$root$folder"
  cat /etc/resolv.conf >"$folder/etc/.resolv.conf"
  cat /etc/hosts >"$folder/etc/.hosts"
  for f in resolv.conf hosts; do
    rm -f "$root/etc/$f"; : >"$root/etc/$f"; mount --bind "$folder/etc/.$f" "$root/etc/$f"
  done
  cd "$root"
  pivot_root . .old
  cd /
  umount -l /.old
else
  # A resolver's file often lives in /run, which the engine gets anew.
  target=$(readlink -f /etc/resolv.conf) names=$(cat /etc/resolv.conf)
  mount -t proc proc /proc
  mount -t tmpfs tmpfs /run
  # containerd makes folders there.
  [ ! -d /opt ] || mount -t tmpfs tmpfs /opt
  case $target in /run/*) mkdir -p "${target%/*}"; printf '%s\n' "$names" >"$target";; esac
fi
# The engine's identity (key.json) and configuration are its own.
mount --bind "$folder/etc" /etc/docker
mkdir -p /run/docker
echo "$pid" >"$folder/capsule.pid"
exec tini -- sleep infinity
"""


def run(*command: str, check: bool = True, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program of this machine. Raises EngineError with its words when it fails and `check` is set."""
    done = subprocess.run(command, input=stdin or "", capture_output=True, text=True, env=ENVIRONMENT, check=False)
    if check and done.returncode:
        raise EngineError(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
    return done


def wait_until(done: Callable[[], bool], seconds: float, pause: float = 0.01) -> bool:
    """Ask again and again until the answer is yes or the time is over; returns the last answer."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() >= end:
            return False
        time.sleep(pause)
    return True


def open_capsule(engine: Engine) -> Engine:
    """Make the namespaces of an engine and connect it to this machine; returns the engine with its capsule.

    An index below 0 means: choose a free one.
    """
    for tool in ("unshare", "nsenter", "ip", "tini", "iptables"):
        if which(tool) is None:
            raise EngineError(f"{tool} is missing; run: python3 tools/engine.py install")
    with machine_lock():
        engine = replace(engine, index=_choose_index(engine.index))
        for part in ("data", "exec", "run"):
            (engine.folder / part).mkdir(exist_ok=True)
        engine.save()
        try:
            engine = replace(engine, capsule=_spawn(engine))
            engine.save()
            _connect(engine)
        except BaseException:
            close_capsule(engine)
            raise
    return engine


def _choose_index(wanted: int) -> int:
    addresses = {
        address["local"]
        for link in json.loads(run("ip", "-j", "-4", "addr").stdout or "[]")
        for address in link.get("addr_info", [])
    }
    free = [index for index in INDEXES if f"10.231.{index}.1" not in addresses]
    if wanted < 0 and free:
        # The low numbers are what people choose by hand.
        return free[-1]
    if wanted in free:
        return wanted
    raise EngineError(f"index {wanted} is in use or none of 0…250" if wanted >= 0 else "all 251 networks are in use")


def _spawn(engine: Engine) -> Process:
    """Start the namespaces' first process and wait until it has become the idle tini."""
    note, log = engine.folder / "capsule.pid", engine.folder / "capsule.log"
    note.unlink(missing_ok=True)
    with log.open("wb") as output:
        subprocess.run(
            [*CAPSULE, "sh", "-c", INIT, "sh", str(engine.folder), engine.root or "", engine.name],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT,
            check=True,
        )

    def first() -> Process | None:
        try:
            process = Process.of(int(note.read_text()))
            return process if process and comm(process.pid) == "tini" else None
        except (FileNotFoundError, ValueError):
            return None

    wait_until(lambda: first() is not None, 10)
    process = first()
    if process is None:
        raise EngineError(f"the namespaces of {engine.name} could not be made:\n{tail(log)}")
    return process


def _connect(engine: Engine) -> None:
    assert engine.capsule is not None
    pid = str(engine.capsule.pid)
    outside = [
        f"link add {engine.link} type veth peer name up0 netns {pid}",
        f"addr add {engine.gateway}/30 dev {engine.link}",
        f"link set {engine.link} up",
    ]
    inside = [
        "link set lo up",
        f"addr add {engine.address}/30 dev up0",
        "link set up0 up",
        # Without an uplink there is no way out, and what tries to take one hears so at once.
        f"route add {'default' if engine.uplink else '10.231.0.0/16'} via {engine.gateway}",
    ]
    run("ip", "-batch", "-", stdin="\n".join(outside) + "\n")
    run("nsenter", "-t", pid, "--net", "--", "ip", "-batch", "-", stdin="\n".join(inside) + "\n")
    if engine.uplink:
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        for table, chain, rule in uplink_rules(engine):
            run("iptables", "-w", "-t", table, "-I", chain, *rule)


def uplink_rules(engine: Engine) -> list[tuple[str, str, list[str]]]:
    """Table, chain and specification of the firewall rules that let an engine out through this machine."""
    mark = ["-m", "comment", "--comment", engine.group]
    return [
        (
            "nat",
            "POSTROUTING",
            ["-s", f"10.231.{engine.index}.0/30", "!", "-o", engine.link, *mark, "-j", "MASQUERADE"],
        ),
        ("filter", "FORWARD", ["-i", engine.link, *mark, "-j", "ACCEPT"]),
        ("filter", "FORWARD", ["-o", engine.link, *mark, "-j", "ACCEPT"]),
    ]


def close_capsule(engine: Engine) -> None:
    """End all processes of an engine and remove what the kernel leaves; the folder stays."""
    capsule = engine.capsule
    if capsule is not None and capsule.alive():
        os.kill(capsule.pid, signal.SIGKILL)
        _thaw(engine)
        # The first process of a pid namespace is gone only when all others are.
        if not wait_until(lambda: not capsule.alive(), 30):
            raise EngineError(f"engine {engine.name}: process {capsule.pid} does not end")
    if engine.index >= 0:
        run("ip", "link", "del", engine.link, check=False)
        if engine.uplink and which("iptables"):
            for table, chain, rule in uplink_rules(engine):
                while run("iptables", "-w", "-t", table, "-D", chain, *rule, check=False).returncode == 0:
                    pass
        if not wait_until(lambda: _remove_groups(engine), 5, pause=0.05):
            raise EngineError(f"engine {engine.name}: control groups stay: {control_groups(engine)}")
    for leftover in (engine.socket, engine.folder / "run" / "docker.pid", engine.folder / "capsule.pid"):
        leftover.unlink(missing_ok=True)


def control_groups(engine: Engine) -> list[Path]:
    """Control groups of an engine, in every hierarchy of version 1 and in version 2."""
    top = Path("/sys/fs/cgroup")
    return [path for path in (top / engine.group, *top.glob(f"*/{engine.group}")) if path.is_dir()]


def _thaw(engine: Engine) -> None:
    """Let paused containers go on: a frozen process does not even die of SIGKILL (version 1)."""
    for group in control_groups(engine):
        for state in group.glob("**/freezer.state"):
            with suppress(OSError):
                state.write_text("THAWED")


def _remove_groups(engine: Engine) -> bool:
    for group in control_groups(engine):
        for folder, _, _ in os.walk(group, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                return False
    return True


def inside(engine: Engine, *command: str) -> list[str]:
    """Command line that runs a command in the engine's namespaces."""
    if engine.capsule is None or not engine.running():
        raise EngineError(f"engine {engine.name} is not running")
    return ["nsenter", "-t", str(engine.capsule.pid), "-m", "-p", "-n", "-u", "-r", "-w", "--", *command]


def processes(engine: Engine, name: str | None = None) -> list[int]:
    """Pids (as this machine counts) directly in the engine's pid namespace; those in containers are in others."""
    if engine.capsule is None or not engine.running():
        return []
    space = _pid_space(engine.capsule.pid)
    pids = [int(entry) for entry in os.listdir("/proc") if entry.isdecimal()]
    return [pid for pid in pids if (name is None or comm(pid) == name) and space and _pid_space(pid) == space]


def _pid_space(pid: int) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return None


def stopped(pid: int) -> bool:
    """Whether all threads of a process have been stopped by a signal."""
    threads = [status.read_text().rpartition(")")[2].split() for status in Path(f"/proc/{pid}/task").glob("*/stat")]
    return bool(threads) and all(fields[0] == "T" for fields in threads)


def comm(pid: int) -> str | None:
    """Short name of a process, None when it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return None


def tail(log: Path, lines: int = 6) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""


def leftovers(engine: Engine) -> list[str]:
    """What is left of an engine on this machine, one sentence a thing; empty after a good stop with wipe.

    What its number stands for (network, control groups, rules) may have been given to another engine since.
    """
    with machine_lock():
        others = [load(name) for name in names() if name != engine.name]
        numbered = all(other is None or other.index != engine.index for other in others)
        return _leftovers(engine, numbered)


def _leftovers(engine: Engine, numbered: bool) -> list[str]:
    folder, found = str(engine.folder), list[str]()
    for entry in os.listdir("/proc"):
        if entry.isdecimal() and int(entry) != os.getpid():
            try:
                words = Path(f"/proc/{entry}/cmdline").read_bytes().decode(errors="replace").split("\0")
                groups = Path(f"/proc/{entry}/cgroup").read_text()
            except OSError:
                continue
            if any(f"{folder}/" in f"{word}/" for word in words) or (numbered and f"/{engine.group}/" in groups):
                found.append(f"process {entry}: {' '.join(words)[:120]}")
    found += [f"mount {line}" for line in Path("/proc/self/mountinfo").read_text().splitlines() if folder in line]
    if numbered and Path(f"/sys/class/net/{engine.link}").exists():
        found.append(f"network device {engine.link}")
    found += [f"control group {group}" for group in control_groups(engine) if numbered]
    for table in ("nat", "filter") if engine.uplink and numbered else ():
        rules: Sequence[str] = run("iptables", "-w", "-t", table, "-S", check=False).stdout.splitlines()
        found += [f"rule {rule}" for rule in rules if f"{engine.group} " in rule.replace('"', "") + " "]
    if engine.folder.exists():
        found.append(f"folder {engine.folder.relative_to(state_folder())}")
    return found
