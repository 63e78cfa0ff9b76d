"""Certificates for engines that listen with TLS, made with the `openssl` program."""

from __future__ import annotations

from pathlib import Path

from tools.engines.capsule import run

AUTHORITY = """
[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = {name}
[extensions]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
"""


def make(folder: Path, address: str) -> None:
    """Write what an engine at this address and its clients need, once.

    For the engine ca.pem, server-cert.pem and server-key.pem; for its clients ca.pem, cert.pem and key.pem;
    for clients to be refused, from another authority, other-ca.pem, other-cert.pem and other-key.pem.
    """
    if (folder / "other-cert.pem").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    _authority(folder, "Private engine", "ca.pem", "ca-key.pem")
    _authority(folder, "Another authority", "other-ca.pem", "other-ca-key.pem")
    server = f"subjectAltName = IP:{address}, IP:127.0.0.1, DNS:localhost\nextendedKeyUsage = serverAuth"
    client = "extendedKeyUsage = clientAuth"
    _leaf(folder, "engine", server, ("ca.pem", "ca-key.pem"), ("server-cert.pem", "server-key.pem"))
    _leaf(folder, "client", client, ("ca.pem", "ca-key.pem"), ("cert.pem", "key.pem"))
    _leaf(folder, "stranger", client, ("other-ca.pem", "other-ca-key.pem"), ("other-cert.pem", "other-key.pem"))


def _authority(folder: Path, name: str, certificate: str, key: str) -> None:
    run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650"),
        *("-config", "/dev/stdin", "-keyout", str(folder / key), "-out", str(folder / certificate)),
        stdin=AUTHORITY.format(name=name),
    )


def _leaf(folder: Path, name: str, extensions: str, signer: tuple[str, str], target: tuple[str, str]) -> None:
    authority, authority_key = (str(folder / part) for part in signer)
    certificate, key = (str(folder / part) for part in target)
    request = run(
        *("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-subj", f"/CN={name}", "-keyout", key),
    ).stdout
    profile = folder / f"{name}.ext"
    profile.write_text(f"{extensions}\nauthorityKeyIdentifier = keyid\nsubjectKeyIdentifier = hash\n")
    run(
        *("openssl", "x509", "-req", "-days", "825", "-CA", authority, "-CAkey", authority_key, "-CAcreateserial"),
        *("-extfile", str(profile), "-out", certificate),
        stdin=request,
    )
    profile.unlink()
