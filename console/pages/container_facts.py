"""Facts of one container as pairs for panels and groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from console import docker_words, masks
from console.models import Container, Endpoint, Engine
from console.templatetags.qd import size

HIDDEN: Final = "hidden"
Pair = tuple[str, str] | tuple[str, str, str]


def process(c: Container, running: bool, secrets: bool) -> list[Pair]:
    """What runs."""
    pairs: list[Pair] = [
        ("ID", c.container_id, "mono"),
        ("Entrypoint", _words(c.entrypoint, secrets), "mono"),
        ("Command", _words(c.command, secrets), "mono"),
        ("Working directory", c.details.get("working_dir") or "/", "mono"),
        ("User", c.details.get("user") or "that of the image, or root"),
        ("Host name", c.details.get("hostname"), "mono"),
        ("Created", docker_words.moment(c.created_at)),
        ("Started", docker_words.moment(c.started_at) or "never"),
    ]
    if not running and c.started_at:
        ended = docker_words.moment(c.finished_at)
        pairs.append(("Ended", f"{ended}, exit code {c.exit_code}{', out of memory' if c.oom_killed else ''}"))
    timeout = c.details.get("stop_timeout", None)
    stop = c.details.get("stop_signal") or "SIGTERM"
    pairs.append(("Stop signal", stop if timeout is None else f"{stop}, kill after {timeout} s"))
    pairs.append(("TTY, stdin", _terminal(c.tty, c.open_stdin)))
    return pairs


def policy(c: Container, engine: Engine, secrets: bool) -> list[Pair]:
    """Limits and policy."""
    d, host = c.details.get, engine.info
    memory, cpus = int(host.get("memory") or 0), int(host.get("cpus") or 0)
    nano = int(d("nano_cpus", 0) or 0)
    pids = int(d("pids_limit", 0) or 0)
    check = list(d("healthcheck", []) or [])
    pairs: list[Pair] = [
        ("Memory", _limit(size(d("memory_limit", 0)), bool(d("memory_limit", 0)), memory and size(memory))),
        ("CPU", _limit(f"{nano / 1e9:g} cores", bool(nano), cpus and f"{cpus} cores")),
        ("Processes", f"at most {pids}" if pids > 0 else "no limit"),
        ("Restart policy", f"{c.restart_policy or 'no'}, restarted {c.restart_count} times"),
        ("On exit", "removed by the engine (--rm)" if c.auto_remove else "stays"),
        ("Health check", "none" if not check or check[0] == "NONE" else _check(check, secrets), "mono"),
        ("Log driver", d("log_driver")),
        ("Privileged", "yes: it can do what root on the host can" if d("privileged", False) else "no"),
        ("Root file system", "read only" if d("read_only", False) else "writable"),
    ]
    for title, name, word in (
        ("Capabilities", "cap_add", "add"),
        ("", "cap_drop", "drop"),
        ("Security options", "security_opt", ""),
        ("Devices", "devices", ""),
        ("DNS", "dns", ""),
        ("Extra hosts", "extra_hosts", ""),
    ):
        values = d(name, []) or []
        if values:
            pairs.append((title or "Capabilities", f"{word} {', '.join(values)}".strip(), "mono"))
    for title, name in (("PID mode", "pid_mode"), ("IPC mode", "ipc_mode")):
        if d(name) and d(name) not in {"private", "shareable"}:
            pairs.append((title, d(name)))
    return pairs


def state(c: Container, status: str, image: str) -> list[Pair]:
    """What it is now."""
    return [
        ("Status", status),
        ("Health", c.health),
        ("Restarts", str(c.restart_count)),
        ("Out of memory", "yes" if c.oom_killed else "no"),
        ("Exit code", str(c.exit_code)),
        ("Error", c.error),
        ("Image", image, "mono"),
        ("Image ID", c.image_id, "mono"),
    ]


def networks(c: Container, endpoints: Sequence[Endpoint], ports: str) -> list[Pair]:
    """Where it stands on networks."""
    pairs: list[Pair] = [("Mode", c.network_mode, "mono"), ("Ports", ports, "mono")]
    for endpoint in endpoints:
        parts = [f"{endpoint.ipv4_address}/{endpoint.ipv4_prefix}" if endpoint.ipv4_address else ""]
        parts += [f"gateway {endpoint.ipv4_gateway}" if endpoint.ipv4_gateway else ""]
        parts += [f"{endpoint.ipv6_address}/{endpoint.ipv6_prefix}" if endpoint.ipv6_address else ""]
        parts += [f"MAC {endpoint.mac_address}" if endpoint.mac_address else ""]
        parts += [f"aliases {', '.join(endpoint.aliases)}" if endpoint.aliases else ""]
        pairs.append((endpoint.network_name, ", ".join(part for part in parts if part) or "not running", "mono"))
    return pairs


def _words(words: Sequence[str], secrets: bool) -> str:
    if not words:
        return ""
    return docker_words.plain_command(masks.masked_words(list(words)), []) if secrets else HIDDEN


def _check(test: Sequence[str], secrets: bool) -> str:
    """The command of a health check: CMD-SHELL is one line for a shell, CMD are words."""
    if test[0] == "CMD-SHELL" and len(test) == 2:
        return masks.masked_text(test[1], masks.PLAIN_MASK) if secrets else HIDDEN
    return _words(test[1:] if test[0] == "CMD" else test, secrets)


def _limit(value: str, limited: bool, of: str | int) -> str:
    if limited:
        return f"{value} of {of} on the host" if of else value
    return f"no limit, {of} on the host" if of else "no limit"


def _terminal(tty: bool, stdin: bool) -> str:
    if tty and stdin:
        return "open (-it)"
    return "TTY only (-t)" if tty else "stdin only (-i)" if stdin else "none"
