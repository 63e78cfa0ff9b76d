"""A token server for a test registry: alice and secret may do all, anybody may pull.

Run: tokens.py ADDRESS PORT FOLDER. It gives tokens as the distribution's registry wants them (RS256, the key's id in
the header); ``prepare`` makes the key and the certificate that the registry trusts.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from base64 import b32encode, b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

ISSUER = "test"
ACCOUNT = "alice:secret"


def prepare(folder: Path) -> None:
    """Make token.key and token.crt."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ISSUER)])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=9))
    signed = made.sign(key, hashes.SHA256())
    (folder / "token.crt").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "token.key").write_bytes(pem)


def _packed(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


class Signer:
    """Makes tokens with the key of a folder."""

    def __init__(self, folder: Path) -> None:
        key = serialization.load_pem_private_key((folder / "token.key").read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self.key = key
        public = key.public_key()
        der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        packed = b32encode(sha256(der).digest()[:30]).decode()
        self.key_id = ":".join(packed[at : at + 4] for at in range(0, 48, 4))

    def token(self, user: str, service: str, scopes: list[str]) -> str:
        """A token for ``scopes``: a stranger may only pull."""
        access = []
        for scope in scopes:
            kind, _, rest = scope.partition(":")
            name, _, wanted = rest.rpartition(":")
            actions = [action for action in wanted.split(",") if action == "pull" or user]
            access.append({"type": kind, "name": name, "actions": actions})
        now = int(time.time())
        head = {"typ": "JWT", "alg": "RS256", "kid": self.key_id}
        times = {"exp": now + 300, "nbf": now - 5, "iat": now}
        body = {"iss": ISSUER, "sub": user, "aud": service, "jti": str(uuid.uuid4()), "access": access, **times}
        signed = ".".join(_packed(json.dumps(part).encode()) for part in (head, body))
        return f"{signed}.{_packed(self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def serve(address: str, port: int, folder: Path) -> None:
    """Answer until the process ends."""
    signer = Signer(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            words, user = self.headers.get("Authorization", ""), ""
            if words.startswith("Basic "):
                given = b64decode(words[6:]).decode()
                if given != ACCOUNT:
                    self.send_error(401)
                    return
                user = given.partition(":")[0]
            query = parse_qs(urlsplit(self.path).query)
            scopes = [one for scope in query.get("scope", []) for one in scope.split(" ")]
            token = signer.token(user, query.get("service", [""])[0], scopes)
            body = json.dumps({"token": token, "expires_in": 300}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Quiet."""

    ThreadingHTTPServer((address, port), Handler).serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
