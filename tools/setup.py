"""Make everything that the console needs to run: virtual environment, locked dependencies, front end.

Python 3.11 and the standard library are enough to run this. What was done is remembered in stamps (a hash of what the
step read), so that a second run only compares hashes.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)
RUNTIME, DEVELOPMENT = "requirements.txt", "requirements-dev.txt"
MADE = (".venv", ".venv-node", "node_modules", "static/build", "test-results")
CACHES = (".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache", ".hypothesis")


class SetupError(Exception):
    """Something is missing that a person has to mend; the text says what and how."""


def say(text: str) -> None:
    """Tell the person at the terminal what happens now."""
    print(f"· {text}", flush=True)


def require_python(version: tuple[int, ...] = sys.version_info[:3]) -> None:
    """Raise SetupError when this interpreter is too old."""
    if version < OLDEST:
        raise SetupError(
            f"Quarterdeck needs Python {OLDEST[0]}.{OLDEST[1]} or later; this is {'.'.join(map(str, version))}. "
            "Name another one: make PYTHON=python3.11 run"
        )


def stamp_value(lock: Path) -> str:
    """Return what the stamp of `lock` must hold: a hash of the lock, and the Python that it was installed for."""
    digest = hashlib.sha256(lock.read_bytes())
    digest.update(repr(sys.version_info[:2]).encode())
    return digest.hexdigest()


def is_fresh(stamp: Path, value: str) -> bool:
    """Whether the step that wrote `stamp` was run for exactly this input."""
    try:
        return stamp.read_text() == value
    except OSError:
        return False


def is_debian(release: Path = Path("/etc/os-release")) -> bool:
    """Whether this is Debian or Ubuntu, or a child of them with apt-get."""
    try:
        lines = release.read_text().splitlines()
    except OSError:
        return False
    words = {
        word
        for line in lines
        if line.startswith(("ID=", "ID_LIKE="))
        for word in line.split("=", 1)[1].strip("\"'").split()
    }
    return bool(words & {"debian", "ubuntu"}) and shutil.which("apt-get") is not None


def apt_get(*arguments: str) -> None:
    """Run apt-get without questions. Raises CalledProcessError; the caller made sure of root and Debian."""
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    command = ["apt-get", "-qq", "-y", "--no-install-recommends", *arguments]
    subprocess.run(command, check=True, env=quiet, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def make_venv() -> None:
    """Make the virtual environment unless a working one of this Python is there. Raises SetupError."""
    if works(PYTHON):
        return
    uv = shutil.which("uv") is not None
    if not uv and importlib.util.find_spec("ensurepip") is None:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        if not (is_debian() and os.geteuid() == 0):
            raise SetupError(f"Python's ensurepip is missing. On Debian and Ubuntu: sudo apt-get install {package}")
        say(f"installing {package} (Python's ensurepip is missing)")
        apt_get("update")
        apt_get("install", package)
    say(f"making {VENV.name}")
    # A child process: ensurepip may have arrived after this interpreter started.
    options = ["--without-pip"] if uv else []
    subprocess.run([sys.executable, "-m", "venv", "--clear", *options, str(VENV)], check=True)


def works(python: Path) -> bool:
    """Whether `python` runs and is the same version as this interpreter."""
    want = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if not python.exists() or not (python.parent.parent / "lib" / f"python{want}").is_dir():
        return False
    try:
        return subprocess.run([python, "-c", ""], check=False, capture_output=True).returncode == 0
    except OSError:
        return False


def install(name: str) -> None:
    """Install one lock file, hashes required, into the virtual environment, unless its stamp says that it is there."""
    lock, stamp = ROOT / name, VENV / f".stamp-{name}"
    value = stamp_value(lock)
    if is_fresh(stamp, value):
        return
    say(f"installing {name}")
    uv = shutil.which("uv")
    if uv:
        command = [uv, "pip", "install", "--quiet", "--python", str(PYTHON)]
    else:
        command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, "--require-hashes", "-r", str(lock)], check=True, cwd=ROOT)
    stamp.write_text(value)


def set_up(*, development: bool = False) -> None:
    """Do every step that is needed. Raises SetupError or CalledProcessError."""
    require_python()
    if not is_fresh(VENV / f".stamp-{RUNTIME}", stamp_value(ROOT / RUNTIME)) or not PYTHON.exists():
        make_venv()
    install(RUNTIME)
    if development:
        install(DEVELOPMENT)
    subprocess.run([sys.executable, str(ROOT / "tools" / "frontend.py")], check=True, cwd=ROOT)


def clean() -> None:
    """Remove what set_up and the tests made. The data folder is a person's and stays."""
    for name in (*MADE, *CACHES):
        path = ROOT / name
        if path.is_symlink():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)
    for cache in [*ROOT.glob("*/__pycache__"), *ROOT.glob("[!.]*/**/__pycache__")]:
        shutil.rmtree(cache, ignore_errors=True)


def guarded(action: Callable[[], None]) -> int:
    """Run a step and turn what can be expected to go wrong into one sentence and status 1. Returns the exit status."""
    try:
        action()
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as failed:
        command = failed.cmd if isinstance(failed.cmd, str) else " ".join(map(str, failed.cmd))
        print(f"Setting up stopped: “{command}” ended with status {failed.returncode}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(guarded(clean if sys.argv[1:] == ["clean"] else set_up))
