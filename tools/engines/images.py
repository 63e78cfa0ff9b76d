"""Test images that need no registry: small stand-ins made of Debian's static busybox.

`alpine`, `busybox` and `nginx` are what their namesakes are to a test: a shell with the usual commands, and a web
server on port 80 that greets. `layers:8` has eight incompressible layers, to watch progress. Archives are kept in
the state folder under the hash of everything that went in, so that an engine only has to load them.
"""

from __future__ import annotations

import hashlib
import os
import platform
import random
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from tools.engines import api, archive
from tools.engines.archive import PATH, Entry, File, Folder, Image, Layer, Link
from tools.engines.install import apt
from tools.engines.state import Engine, EngineError, state_folder

FAST = ("alpine", "busybox", "nginx")
LAYER_SIZE = 6_000_000
VERSION = "1.27.4"

INDEX = b"""<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>If you see this page, the web server of the test image works.</p>
</body>
</html>
"""

# The first process of a container gets no signal it has not asked for, hence the traps.
NGINX = b"""#!/bin/sh
# Stands in for nginx in tests: busybox's web server on port 80.
if [ "$1" = -v ]; then echo "nginx version: nginx/$NGINX_VERSION" >&2; exit 0; fi
say() { echo "$(date '+%Y/%m/%d %H:%M:%S') [notice] 1#1: $1" >&2; }
leave() { say "signal received, shutting down"; kill "$server" 2>/dev/null; say "exit"; exit 0; }
trap leave TERM QUIT INT
say "nginx/$NGINX_VERSION"
httpd -f -vv -p 80 -h /usr/share/nginx/html &
server=$!
say "start worker process $server"
wait "$server"
"""

ENTRYPOINT = b"""#!/bin/sh
set -e
if [ "$1" = nginx ]; then
  echo "$0: /docker-entrypoint.d/ is not empty, will attempt to perform configuration"
  for f in /docker-entrypoint.d/*.sh; do echo "$0: Launching $f"; "$f"; done
  echo "$0: Configuration complete; ready for start up"
fi
exec "$@"
"""

SCRIPTS = ("10-listen-on-ipv6-by-default.sh", "20-envsubst-on-templates.sh", "30-tune-worker-processes.sh")


def image_folder() -> Path:
    """Folder of the archives, made when absent."""
    folder = state_folder() / "images"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def busybox() -> Path:
    """Debian's static busybox, downloaded (not installed) the first time. Raises EngineError without network then."""
    target = image_folder() / "busybox"
    if target.exists():
        return target
    with tempfile.TemporaryDirectory(dir=image_folder()) as scratch:
        # apt downloads as a user of its own, who must be able to write here.
        os.chmod(scratch, 0o777)  # noqa: S103
        try:
            apt("download", "-qq", "busybox-static", cwd=Path(scratch))
        except EngineError:
            apt("update", "-qq")
            apt("download", "-qq", "busybox-static", cwd=Path(scratch))
        (package,) = Path(scratch).glob("busybox-static*.deb")
        subprocess.run(["dpkg-deb", "-x", str(package), scratch], check=True)
        (program,) = (path for path in Path(scratch).glob("**/bin/busybox"))
        program.replace(target)
    return target


def load(engine: Engine, names: Iterable[str] = FAST) -> None:
    """Make these images known to an engine. Raises EngineError for a name without a recipe."""
    wanted = set(names)
    if unknown := wanted - {*FAST, "layers"}:
        raise EngineError(f"no recipe for {', '.join(sorted(unknown))}")
    if wanted & set(FAST):
        # One archive: the three share layers, and loading them together costs no more than one.
        load_archive(engine, fast_archive())
    if "layers" in wanted:
        load_archive(engine, layers_archive())


def forget_old(kind: str) -> None:
    """Remove archives of older recipes; a day's grace is for runs that still use them."""
    for path in image_folder().glob(f"{kind}-*.tar"):
        if path.stat().st_mtime < time.time() - 86_400:
            path.unlink(missing_ok=True)


def load_archive(engine: Engine, path: Path) -> None:
    """`docker load` of one archive; raises EngineError with the engine's words when it refuses."""
    with path.open("rb") as file:
        answer = api.call(engine.socket, "POST", "/images/load?quiet=1", body=file, timeout=300)
    if b'"error"' in answer:
        raise EngineError(f"{path.name}: {answer.decode(errors='replace').strip()}")


def fast_archive() -> Path:
    """Archive of alpine, busybox and nginx, made when absent (0.2 s once busybox is there)."""
    program = busybox().read_bytes()
    target = image_folder() / f"fast-{_key(program)}.tar"
    if not target.exists():
        forget_old("fast")
        root = _busybox_root(program)
        alpine = archive.layer("/bin/sh -c #(nop) ADD file:rootfs in / ", root | _release("alpine", "Alpine stand-in"))
        plain = archive.layer("/bin/sh -c #(nop) ADD file:busybox in / ", root)
        shell = [Layer('/bin/sh -c #(nop)  CMD ["sh"]')]
        images = [
            Image(["alpine:latest"], [alpine, Layer('/bin/sh -c #(nop)  CMD ["/bin/sh"]')], {"Cmd": ["/bin/sh"]}),
            Image(["busybox:latest"], [plain, *shell], {"Cmd": ["sh"]}),
            _nginx(alpine),
        ]
        archive.write(target, images, platform.machine())
    return target


def layers_archive() -> Path:
    """Archive of layers:8, made when absent."""
    program = busybox().read_bytes()
    target = image_folder() / f"layers-{_key(program)}.tar"
    if not target.exists():
        forget_old("layers")
        noise = random.Random(8)  # only has to be incompressible, and the same everywhere
        steps = [archive.layer("/bin/sh -c #(nop) ADD file:busybox in / ", _busybox_root(program))]
        for number in range(1, 9):
            content = {f"data/f{number}": File(noise.randbytes(LAYER_SIZE))}
            steps.append(archive.layer(f"/bin/sh -c #(nop) COPY file:f{number} in /data/f{number} ", content))
        archive.write(target, [Image(["layers:8"], steps, {"Cmd": ["sh"]})], platform.machine())
    return target


def _key(program: bytes) -> str:
    """Hash of all that decides what an archive contains: busybox, and the recipes with their writer."""
    digest = hashlib.sha256(program)
    for source in (__file__, archive.__file__):
        digest.update(Path(source).read_bytes())
    return digest.hexdigest()[:16]


def _busybox_root(program: bytes) -> dict[str, Entry]:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "busybox"
        copy.write_bytes(program)
        copy.chmod(0o755)
        applets = subprocess.run([copy, "--list-full"], capture_output=True, text=True, check=True).stdout.split()
    root: dict[str, Entry] = {path: Link("/bin/busybox") for path in applets}
    root |= {f: Folder() for f in ("dev", "home", "lib", "mnt", "proc", "run", "sys", "usr/local/bin", "var/log")}
    root |= {"tmp": Folder(0o1777), "root": Folder(0o700), "bin/busybox": File(program, 0o755)}
    root["etc/passwd"] = File(b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
    root["etc/group"] = File(b"root:x:0:\nnogroup:x:65534:\n")
    return root


def _release(identity: str, name: str) -> dict[str, Entry]:
    return {"etc/os-release": File(f'ID={identity}\nNAME="{name}"\nVERSION_ID=3.21.0\n'.encode())}


def _nginx(base: Layer) -> Image:
    pages = {"usr/share/nginx/html/index.html": File(INDEX), "usr/sbin/nginx": File(NGINX, 0o755)}
    steps = [
        base,
        Layer("LABEL maintainer=Test images <test@example.org>"),
        Layer(f"ENV NGINX_VERSION={VERSION}"),
        Layer("ENV PKG_RELEASE=1~bookworm"),
        archive.layer("RUN /bin/sh -c set -x && install-web-server # buildkit", pages),
        archive.layer("COPY docker-entrypoint.sh / # buildkit", {"docker-entrypoint.sh": File(ENTRYPOINT, 0o755)}),
    ]
    for script in SCRIPTS:
        content = File(f"#!/bin/sh\n# {script}\nexit 0\n".encode(), 0o755)
        step = archive.layer(
            f"COPY {script} /docker-entrypoint.d # buildkit", {f"docker-entrypoint.d/{script}": content}
        )
        steps.append(step)
    steps += [
        Layer('ENTRYPOINT ["/docker-entrypoint.sh"]'),
        Layer("EXPOSE map[80/tcp:{}]"),
        Layer("STOPSIGNAL SIGQUIT"),
        Layer('CMD ["nginx" "-g" "daemon off;"]'),
    ]
    config = {
        "Env": [PATH, f"NGINX_VERSION={VERSION}", "PKG_RELEASE=1~bookworm"],
        "Labels": {"maintainer": "Test images <test@example.org>"},
        "ExposedPorts": {"80/tcp": {}},
        "Entrypoint": ["/docker-entrypoint.sh"],
        "Cmd": ["nginx", "-g", "daemon off;"],
        "StopSignal": "SIGQUIT",
    }
    return Image(["nginx:latest"], steps, config)
