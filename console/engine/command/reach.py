"""Which options of a command reach beyond the container, to the engine's host."""

from __future__ import annotations

from console.engine.command.spec import RunSpec

_HARMLESS = ("no-new-privileges",)


def host_options(spec: RunSpec) -> list[str]:
    """Return the options that give the container something of the host, as the command names them."""
    network = any(attachment.name == "host" for attachment in spec.networks)
    binds = any(volume.bind for volume in spec.volume)
    mounts = any(mount.type in {"bind", "npipe"} or mount.volume_opts for mount in spec.mount)
    security = any(not option.startswith(_HARMLESS) for option in spec.security_opt)
    return [
        name
        for used, name in (
            (spec.privileged, "--privileged"),
            (binds, "--volume of a host path"),
            (mounts, "--mount of a host path"),
            (spec.volumes_from, "--volumes-from"),
            (spec.volume_driver, "--volume-driver"),
            (spec.use_api_socket, "--use-api-socket"),
            (network, "--network host"),
            (spec.pid, "--pid"),
            (spec.ipc == "host", "--ipc host"),
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
            (spec.cpu_rt_runtime, "--cpu-rt-runtime"),
        )
        if used
    ]
