"""Which options of a command reach beyond the container, to the engine's host."""

from __future__ import annotations

from typing import Final

from console.engine.command.spec import RunSpec

_HARMLESS: Final = ("no-new-privileges",)
# Logs that stay in the engine's own folder. Any other driver has the engine, as root and in the host's network, connect
# to a place, or read a file, of the options' choosing; so may an engine's default driver with such options.
_OWN_LOGS: Final = frozenset({"", "json-file", "local", "none"})
_LOG_OPTIONS: Final = frozenset(
    {"compress", "env", "env-regex", "labels", "labels-regex", "max-buffer-size", "max-file", "max-size", "mode", "tag"}
)


def host_options(spec: RunSpec) -> list[str]:
    """Return the options that give the container something of the host, as the command names them.

    Namespaces and volumes of another container count: that one may have them of the host.
    """
    network = any(attachment.name == "host" for attachment in spec.networks)
    binds = any(volume.bind for volume in spec.volume)
    shared = any(attachment.name.startswith("container:") for attachment in spec.networks)
    mounts = any(mount.type in {"bind", "npipe"} or mount.volume_opts for mount in spec.mount)
    drivers = any(mount.volume_driver not in {"", "local"} for mount in spec.mount)
    logs = spec.log_driver not in _OWN_LOGS or any(name not in _LOG_OPTIONS for name, _ in spec.log_opt)
    security = any(not option.startswith(_HARMLESS) for option in spec.security_opt)
    return [
        name
        for used, name in (
            (spec.privileged, "--privileged"),
            (binds, "--volume of a host path"),
            (mounts, "--mount of a host path"),
            (spec.volumes_from, "--volumes-from"),
            (spec.volume_driver, "--volume-driver"),
            (drivers, "--mount with a volume-driver"),
            (spec.use_api_socket, "--use-api-socket"),
            (network, "--network host"),
            (shared, "--network container"),
            (spec.pid, "--pid"),
            (spec.ipc == "host", "--ipc host"),
            (spec.ipc.startswith("container:"), "--ipc container"),
            (spec.uts == "host", "--uts host"),
            (spec.userns == "host", "--userns host"),
            (spec.cgroupns == "host", "--cgroupns host"),
            (spec.cgroup_parent, "--cgroup-parent"),
            (spec.cap_add, "--cap-add"),
            (security, "--security-opt"),
            (spec.device, "--device"),
            (spec.device_cgroup_rule, "--device-cgroup-rule"),
            (spec.gpus, "--gpus"),
            (spec.runtime, "--runtime"),
            (spec.sysctl, "--sysctl"),
            (spec.oom_kill_disable, "--oom-kill-disable"),
            (spec.oom_score_adj < 0, "--oom-score-adj below 0"),
            (spec.cpu_rt_runtime, "--cpu-rt-runtime"),
            (spec.annotation, "--annotation"),
            (logs, "--log-driver"),
        )
        if used
    ]
