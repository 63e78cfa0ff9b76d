"""Private Docker engines for tests and trials: each in its own namespaces, nothing shared with this machine's."""

from tools.engines.control import docker, hang, kill, reap, restart, resume, start, status, stop
from tools.engines.state import Engine, EngineError, get, load, names, state_folder

__all__ = [
    "Engine",
    "EngineError",
    "docker",
    "get",
    "hang",
    "kill",
    "load",
    "names",
    "reap",
    "restart",
    "resume",
    "start",
    "state_folder",
    "status",
    "stop",
]
