"""Roots with other versions of the engine, and images made of real Debian packages. Both need the network.

A root takes about 100 s and 650 MB, the images 45 s together; each is made once and kept in the state folder.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.engines import api, capsule, images
from tools.engines.control import docker
from tools.engines.install import apt_install, which
from tools.engines.state import Engine, EngineError, state_folder

SCRIPTS = Path("/usr/share/debootstrap/scripts")
BASE_SUITE = "bookworm"
CLEAN = "rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin"
GET = "apt-get update -qq && apt-get install -y -qq --no-install-recommends"
EXCLUDED = (
    "./dev/*",
    "./usr/share/doc/*",
    "./usr/share/locale/*",
    "./usr/share/man/*",
    "./var/cache/apt/*.bin",
    "./var/cache/apt/archives/*.deb",
    "./var/lib/apt/lists/*",
    "./var/log/*",
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to build an image: its Dockerfile and the files beside it, by name."""

    tag: str
    dockerfile: str
    files: Mapping[str, bytes] = field(default_factory=dict)


NGINX = Recipe(
    "nginx:bookworm",
    f"""
FROM debian:bookworm-slim
LABEL maintainer="Test images <test@example.org>"
RUN {GET} nginx-light && {CLEAN} /etc/nginx/sites-enabled/default \\
 && sed -i -e '1i error_log /dev/stderr notice;' -e 's#^\\s*error_log /var.*##' /etc/nginx/nginx.conf \\
 && ln -sf /dev/stdout /var/log/nginx/access.log && ln -sf /dev/stderr /var/log/nginx/error.log
COPY default.conf /etc/nginx/conf.d/default.conf
COPY index.html /usr/share/nginx/html/index.html
COPY docker-entrypoint.sh /
{"".join(f"COPY {script} /docker-entrypoint.d/{chr(10)}" for script in images.SCRIPTS)}
RUN chmod +x /docker-entrypoint.sh /docker-entrypoint.d/*.sh
ENTRYPOINT ["/docker-entrypoint.sh"]
EXPOSE 80
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
""",
    {
        "default.conf": b"server { listen 80 default_server; root /usr/share/nginx/html; index index.html; }\n",
        "index.html": images.INDEX,
        "docker-entrypoint.sh": images.ENTRYPOINT,
    }
    | dict.fromkeys(images.SCRIPTS, b"#!/bin/sh\nexit 0\n"),
)

# pip inside its containers trusts what this machine trusts; the networks of some machines need that.
PYTHON = Recipe(
    "python:3.11-slim-bookworm",
    f"""
FROM debian:bookworm-slim
RUN {GET} python3 python3-pip python3-venv && {CLEAN} /usr/lib/python3*/EXTERNALLY-MANAGED \\
 && ln -sf python3 /usr/bin/python
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
RUN printf '[global]\\ncert = /etc/ssl/certs/ca-certificates.crt\\ndisable-pip-version-check = true\\n' >/etc/pip.conf
CMD ["python3"]
""",
)

# Like the official images as far as docker-compose.full.yml uses them, with the version that the suite has.
POSTGRES = Recipe(
    "postgres:17",
    f"""
FROM debian:bookworm-slim
RUN {GET} postgresql && {CLEAN} && rm -rf /var/lib/postgresql/*/main
COPY docker-entrypoint.sh /
RUN chmod +x /docker-entrypoint.sh
VOLUME /var/lib/postgresql/data
ENTRYPOINT ["/docker-entrypoint.sh"]
STOPSIGNAL SIGINT
""",
    {
        "docker-entrypoint.sh": b"""#!/bin/sh
set -eu
data=/var/lib/postgresql/data
cd /usr/lib/postgresql/*/bin
install -d -o postgres -g postgres -m 700 "$data"
install -d -o postgres -g postgres /run/postgresql
as() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
if [ ! -s "$data/PG_VERSION" ]; then
    install -m 600 -o postgres /dev/null /tmp/password
    echo "$POSTGRES_PASSWORD" >/tmp/password
    as ./initdb -D "$data" -E UTF8 -U "$POSTGRES_USER" --pwfile=/tmp/password --auth-local=trust
    rm /tmp/password
    printf 'local all all trust\\nhost all all all scram-sha-256\\n' >"$data/pg_hba.conf"
    echo "CREATE DATABASE \\"$POSTGRES_DB\\"" | as ./postgres --single -D "$data" postgres
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups ./postgres -D "$data" -c listen_addresses='*'
"""
    },
)
REDIS = Recipe(
    "redis:7",
    f"""
FROM debian:bookworm-slim
RUN {GET} redis-server && {CLEAN}
COPY docker-entrypoint.sh /
RUN chmod +x /docker-entrypoint.sh
USER redis
ENTRYPOINT ["/docker-entrypoint.sh"]
""",
    {
        "docker-entrypoint.sh": b"""#!/bin/sh
if [ "$1" = redis-server ]; then set -- "$@" --protected-mode no; fi
exec "$@"
"""
    },
)

BUILT = {"nginx-debian": NGINX, "postgres": POSTGRES, "redis": REDIS}
IMAGES = ("debian", "python", *BUILT)


def load(engine: Engine, names: Iterable[str]) -> None:
    """Make images known to an engine, of all recipes.

    Those that are not in the archive yet are built, for which the engine must have an uplink.
    Raises EngineError for unknown names and for builds that fail.
    """
    wanted = list(names)
    images.load(engine, [name for name in wanted if name not in IMAGES])
    if "debian" in wanted:
        _load_base(engine)
    for name in wanted:
        if name in BUILT:
            _load_built(engine, BUILT[name])
    if "python" in wanted:
        authorities = {"ca-certificates.crt": Path("/etc/ssl/certs/ca-certificates.crt").read_bytes()}
        _load_built(engine, Recipe(PYTHON.tag, PYTHON.dockerfile, authorities))


def _load_base(engine: Engine) -> None:
    target = images.image_folder() / f"{BASE_SUITE}-slim.tar"
    if not target.exists():
        source = root_folder(f"{BASE_SUITE}-min")
        _debootstrap(BASE_SUITE, source)
        new = target.with_suffix(".new")
        excluded = [f"--exclude={pattern}" for pattern in EXCLUDED]
        capsule.run("tar", "-C", str(source), "--numeric-owner", *excluded, "-cf", str(new), ".")
        new.replace(target)
    query = "fromSrc=-&repo=debian&tag=bookworm-slim&changes=CMD%20%5B%22bash%22%5D"
    with target.open("rb") as file:
        api.call(engine.socket, "POST", f"/images/create?{query}", body=file, timeout=300)


def _load_built(engine: Engine, recipe: Recipe) -> None:
    digest = hashlib.sha256(recipe.dockerfile.encode())
    for name, data in sorted(recipe.files.items()):
        digest.update(f"\0{name}\0".encode() + data)
    target = images.image_folder() / f"{recipe.tag.replace(':', '-')}-{digest.hexdigest()[:16]}.tar"
    if not target.exists():
        _build(engine, recipe, target)
    images.load_archive(engine, target)


def _build(engine: Engine, recipe: Recipe, target: Path) -> None:
    if not engine.uplink:
        raise EngineError(f"building {recipe.tag} needs an engine started with --uplink")
    _load_base(engine)
    with tempfile.TemporaryDirectory(dir=images.image_folder()) as folder:
        for name, data in {**recipe.files, "Dockerfile": recipe.dockerfile.encode()}.items():
            (Path(folder) / name).write_bytes(data)
        built = docker(engine, "build", "-q", "--network", "host", "-t", recipe.tag, folder, timeout=900)
        if built.returncode:
            raise EngineError(f"building {recipe.tag} failed:\n{built.stdout[-1000:]}{built.stderr[-1000:]}")
        new = target.with_suffix(".new")
        saved = docker(engine, "save", "-o", str(new), recipe.tag, timeout=300)
        if saved.returncode:
            raise EngineError(f"saving {recipe.tag} failed: {saved.stderr}")
        new.replace(target)


def root_folder(suite: str) -> Path:
    """Folder of a suite's file system (it may not exist yet)."""
    return state_folder() / "roots" / suite


def root(suite: str) -> Path:
    """File system with the engine of a Debian suite, made when absent, to be given to `start`.

    Raises EngineError with the last lines of the log when making it fails.
    """
    folder = root_folder(suite)
    if (folder / "usr/sbin/dockerd").exists() and (folder / "usr/bin/docker").exists():
        return folder
    _debootstrap(suite, folder)
    shutil.copyfile("/etc/resolv.conf", folder / "etc/resolv.conf")
    shutil.copyfile("/etc/hosts", folder / "etc/hosts")
    policy = folder / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    packages = "apt-get install -y --no-install-recommends docker.io iptables iproute2 tini procps curl"
    if suite != "bookworm":
        packages += " docker-cli docker-buildx docker-compose"
    # A release file of unstable may count as expired.
    script = (
        'set -e; mount --make-rprivate /; mount -t proc proc "$1/proc"\n'
        'chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive sh -c '
        f"'apt-get -o Acquire::Check-Valid-Until=false update -qq && {packages} && apt-get clean'"
    )
    _logged(folder.with_name(f"{suite}.install.log"), "unshare", "-m", "sh", "-c", script, "sh", str(folder))
    return folder


def _debootstrap(suite: str, folder: Path) -> None:
    if (folder / "etc/debian_version").exists() and not (folder / "debootstrap").exists():
        return
    if which("debootstrap") is None:
        apt_install(["debootstrap"])
    # A suite younger than this debootstrap is made as unstable is.
    script = SCRIPTS / suite if (SCRIPTS / suite).exists() else SCRIPTS / "sid"
    folder.parent.mkdir(parents=True, exist_ok=True)
    command = ["debootstrap", "--variant=minbase", "--include=ca-certificates", suite, str(folder), "", str(script)]
    _logged(folder.with_name(f"{folder.name}.log"), *command)


def _logged(log: Path, *command: str) -> None:
    with log.open("wb") as output:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=capsule.ENVIRONMENT,
            check=False,
        )
    if done.returncode:
        raise EngineError(f"{command[0]} failed, see {log}:\n{capsule.tail(log)}")
