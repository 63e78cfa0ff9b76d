"""Every option of ``docker container run`` and ``create``, in the order in which a command shows them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

from console.engine.command import fields as lines
from console.engine.command import parts, values
from console.engine.command.spec import RunSpec
from console.engine.command.values import Codec

_CALLER: Final = "It belongs to the terminal in which the command is typed; the console has no use for it."
FILE: Final = "This file is on the machine where the command is typed: give its content instead."
_WINDOWS: Final = "It works for Windows containers only."


@dataclass(frozen=True, slots=True)
class Flag:
    """One option. ``field``: of ``RunSpec``; ``many``: it may be repeated; ``remark``: why it does nothing here.

    ``first``: it is a field of the first network. ``run_only``: ``docker container create`` does not have it.
    """

    name: str
    codec: Codec
    short: str = ""
    field: str = ""
    many: bool = False
    aliases: tuple[str, ...] = ()
    remark: str = ""
    first: bool = False
    run_only: bool = False

    @property
    def bool(self) -> bool:
        """Whether it takes no value, except as ``--name=false``."""
        return self.codec is values.BOOL


def _flag(name: str, codec: Codec, short: str = "", **more: Any) -> Flag:
    return Flag(name, codec, short, more.pop("field", name.replace("-", "_")), **more)


def _many(name: str, codec: Codec, short: str = "", **more: Any) -> Flag:
    return _flag(name, codec, short, many=True, **more)


_TEXT, _BOOL = values.TEXT, values.BOOL

FLAGS: Final[tuple[Flag, ...]] = (
    _flag("name", _TEXT),
    _flag("detach", _BOOL, "d", run_only=True),
    _flag("interactive", _BOOL, "i"),
    _flag("tty", _BOOL, "t"),
    _flag("rm", _BOOL),
    _flag("init", _BOOL),
    _flag("restart", parts.RESTART),
    _flag("pull", values.one_of("missing", "always", "never", "")),
    _flag("quiet", _BOOL, "q"),
    _flag("platform", _TEXT),
    _flag("hostname", _TEXT, "h"),
    _flag("domainname", _TEXT),
    _flag("user", _TEXT, "u"),
    _many("group-add", _TEXT),
    _flag("workdir", _TEXT, "w"),
    _flag("entrypoint", _TEXT),
    _flag("stop-signal", _TEXT),
    _flag("stop-timeout", values.INT32),
    _many("env", parts.VARIABLE, "e"),
    _many("env-file", _TEXT, remark=FILE),
    _many("label", parts.LABEL, "l"),
    _many("label-file", _TEXT, remark=FILE),
    _many("annotation", parts.PAIR),
    _many("network", lines.NETWORK, field="networks", aliases=("net",)),
    _many("network-alias", _TEXT, field="aliases", aliases=("net-alias",), first=True),
    _flag("ip", values.IPV4, first=True),
    _flag("ip6", values.IPV6, first=True),
    _many("link-local-ip", values.ADDRESS, field="link_local_ips", first=True),
    _flag("mac-address", values.MAC, first=True),
    _many("publish", parts.PUBLISH, "p"),
    _flag("publish-all", _BOOL, "P"),
    _many("expose", parts.EXPOSE),
    _many("link", parts.LINK),
    _many("add-host", parts.HOST),
    _many("dns", values.DNS),
    _many("dns-option", _TEXT, aliases=("dns-opt",)),
    _many("dns-search", parts.DOMAIN),
    _many("volume", parts.VOLUME, "v"),
    _many("mount", lines.MOUNT),
    _many("tmpfs", parts.TMPFS),
    _many("volumes-from", _TEXT),
    _flag("volume-driver", _TEXT),
    _many("storage-opt", parts.STRICT_PAIR),
    _flag("read-only", _BOOL),
    _flag("shm-size", values.SIZE),
    _flag("health-cmd", _TEXT),
    _flag("health-interval", values.DURATION),
    _flag("health-timeout", values.DURATION),
    _flag("health-retries", values.integer(0, 2**31 - 1)),
    _flag("health-start-period", values.DURATION),
    _flag("health-start-interval", values.DURATION),
    _flag("no-healthcheck", _BOOL),
    _flag("memory", values.SIZE, "m"),
    _flag("memory-reservation", values.SIZE),
    _flag("memory-swap", values.SWAP),
    _flag("memory-swappiness", values.integer(-1, 100, "Only 0 to 100 can be given.")),
    _flag("kernel-memory", values.SIZE, remark="The kernel has no such limit any more."),
    _flag("cpus", values.CPUS),
    _flag("cpu-shares", values.INT, "c"),
    _flag("cpu-period", values.INT),
    _flag("cpu-quota", values.INT),
    _flag("cpu-rt-period", values.INT),
    _flag("cpu-rt-runtime", values.INT),
    _flag("cpuset-cpus", _TEXT),
    _flag("cpuset-mems", _TEXT),
    _flag("pids-limit", values.INT),
    _flag("oom-kill-disable", _BOOL),
    _flag("oom-score-adj", values.INT32),
    _many("ulimit", parts.ULIMIT),
    _flag("blkio-weight", values.integer(0, 65535)),
    _many("blkio-weight-device", parts.WEIGHT),
    _many("device-read-bps", parts.BPS),
    _many("device-write-bps", parts.BPS),
    _many("device-read-iops", parts.IOPS),
    _many("device-write-iops", parts.IOPS),
    _flag("cgroup-parent", _TEXT),
    _many("device", parts.DEVICE),
    _many(
        "device-cgroup-rule",
        values.matching(
            r"[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}", "This is not a rule like “c 1:3 mr”: type major:minor mode."
        ),
    ),
    _many("gpus", lines.GPUS),
    _flag("privileged", _BOOL),
    _many("cap-add", _TEXT),
    _many("cap-drop", _TEXT),
    _many("security-opt", parts.SECURITY),
    _many("sysctl", parts.SYSCTL),
    _flag("userns", values.one_of("host", "")),
    _flag("cgroupns", values.one_of("host", "private", "")),
    _flag("pid", values.or_container("host", "")),
    _flag("ipc", values.or_container("none", "private", "shareable", "host", "")),
    _flag("uts", values.one_of("host", "")),
    _flag("runtime", _TEXT),
    _flag("use-api-socket", _BOOL, remark="The credentials it hands over are those of whoever types the command."),
    _flag("log-driver", _TEXT),
    _many("log-opt", parts.PAIR),
    _many("attach", parts.ATTACH, "a", remark=_CALLER),
    _flag("detach-keys", _TEXT, run_only=True, remark=_CALLER),
    _flag("sig-proxy", _BOOL, run_only=True, remark=_CALLER),
    _flag("cidfile", _TEXT, remark=_CALLER),
    _flag("disable-content-trust", _BOOL, remark="The console does not check signatures of images."),
    _flag("isolation", _TEXT, remark=_WINDOWS),
    _flag("cpu-count", values.INT, remark=_WINDOWS),
    _flag("cpu-percent", values.INT, remark=_WINDOWS),
    _flag("io-maxbandwidth", values.SIZE, remark=_WINDOWS),
    _flag("io-maxiops", values.COUNT, remark=_WINDOWS),
)

LONG: Final[dict[str, Flag]] = {name: flag for flag in FLAGS for name in (flag.name, *flag.aliases)}
SHORT: Final[dict[str, Flag]] = {flag.short: flag for flag in FLAGS if flag.short}
DEFAULTS: Final[dict[str, Any]] = {field.name: getattr(RunSpec(), field.name) for field in fields(RunSpec)}
