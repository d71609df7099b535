"""Debian's docker-registry on loopback with images that tests push, without login, with passwords, or with tokens."""

from __future__ import annotations

import base64
import contextlib
import datetime
import hashlib
import ipaddress
import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

from cockpit.registry import media
from tests import peers

Auth = Literal["none", "basic", "token"]
USER, PASSWORD = "sre1", "open sesame"
_HTPASSWD = f"{USER}:$2y$04$zDB/N0eSgj555HX3kHL.Be9oFgYHVA1SzLPDr47tz.GFt0ueUU.Sm\n"  # of PASSWORD
_SERVICE, _ISSUER = "reg.test", "issuer.test"


def digest_of(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


class TokenServer:
    """Gives ES256 tokens to whoever knows the password, by docker's token specification. ``served`` counts them."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _ISSUER)])
        now = datetime.datetime.now(datetime.UTC)
        self._certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.served = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._answer(self)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.realm = f"http://127.0.0.1:{self._server.server_port}/token"

    def bundle(self) -> bytes:
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def token(self, scope: str) -> str:
        kind, name, actions = scope.split(":")
        now = int(time.time())
        der = self._certificate.public_bytes(serialization.Encoding.DER)
        header = {"typ": "JWT", "alg": "ES256", "x5c": [base64.b64encode(der).decode()]}
        access = [{"type": kind, "name": name, "actions": actions.split(",")}]
        claims = {"iss": _ISSUER, "aud": _SERVICE, "sub": USER, "nbf": now - 60, "iat": now, "exp": now + 600}
        text = b".".join(_url64(compact(part)) for part in (header, {**claims, "jti": str(now), "access": access}))
        r, s = decode_dss_signature(self._key.sign(text, ec.ECDSA(hashes.SHA256())))
        return b".".join((text, _url64(r.to_bytes(32) + s.to_bytes(32)))).decode()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        wanted = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
        if handler.headers.get("Authorization") != wanted:
            status, body = 401, b"{}"
        else:
            scope = parse_qs(urlsplit(handler.path).query)["scope"][0]
            status, body = 200, compact({"token": self.token(scope), "expires_in": 300})
            self.served += 1
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Registry:
    """One docker-registry process with storage of its own; ``host`` is what image names begin with."""

    def __init__(self, folder: Path, auth: Auth, *, tls: bool = False) -> None:
        self.auth = auth
        self.ca_file = folder / "ca.pem"
        self._scheme = "https" if tls else "http"
        self._binary = peers.need("docker-registry")
        self._folder = folder
        folder.mkdir(parents=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.host = f"127.0.0.1:{self._port}"
        self._tokens = TokenServer() if auth == "token" else None
        config = (
            "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
            f"storage: {{filesystem: {{rootdirectory: {folder / 'data'}}}, delete: {{enabled: true}}}}\n"
            f"http: {{addr: '{self.host}', relativeurls: true{self._tls() if tls else ''}}}\n"
        )
        if auth == "basic":
            (folder / "htpasswd").write_text(_HTPASSWD)
            config += f"auth: {{htpasswd: {{realm: testrealm, path: {folder / 'htpasswd'}}}}}\n"
        if self._tokens is not None:
            (folder / "root.pem").write_bytes(self._tokens.bundle())
            config += (
                f"auth: {{token: {{realm: '{self._tokens.realm}', service: {_SERVICE}, issuer: {_ISSUER}, "
                f"rootcertbundle: {folder / 'root.pem'}}}}}\n"
            )
        (folder / "config.yml").write_text(config)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def _tls(self) -> str:
        """A certificate of an authority of its own; what the configuration says of it."""
        made = {}
        for name, issuer in (("ca", "ca"), ("server", "ca")):
            key = ec.generate_private_key(ec.SECP256R1())
            signer, signer_name = made.get(issuer, (key, name))
            now = datetime.datetime.now(datetime.UTC)
            public = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
            above = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
            usage = x509.KeyUsage(True, False, False, False, False, name == "ca", name == "ca", False, False)
            certificate = (
                x509.CertificateBuilder()
                .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
                .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, signer_name)]))
                .public_key(key.public_key())
                .serial_number(x509.random_serial_number())
                .not_valid_before(now - datetime.timedelta(hours=1))
                .not_valid_after(now + datetime.timedelta(days=1))
                .add_extension(x509.BasicConstraints(ca=name == "ca", path_length=None), critical=True)
                .add_extension(usage, critical=True)
                .add_extension(public, critical=False)
                .add_extension(above, critical=False)
                .add_extension(
                    x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
                )
                .sign(signer, hashes.SHA256())
            )
            made[name] = (key, name)
            (self._folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
            (self._folder / f"{name}.key").write_bytes(
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
        return f", tls: {{certificate: {self._folder / 'server.pem'}, key: {self._folder / 'server.key'}}}"

    def start(self) -> None:
        self._process = subprocess.Popen(
            [str(self._binary), "serve", "config.yml"],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1):
                return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"docker-registry ended with {self._process.poll()}")
            time.sleep(0.005)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def close(self) -> None:
        self.stop()
        if self._tokens is not None:
            self._tokens.close()

    def collect(self) -> None:
        """Stop, collect garbage with untagged manifests, start again."""
        self.stop()
        subprocess.run(
            [str(self._binary), "garbage-collect", "-m", "config.yml"],
            cwd=self._folder,
            check=True,
            capture_output=True,
            timeout=30,
        )
        self.start()

    def _http(self, repository: str) -> httpx.Client:
        headers = {}
        if self._tokens is not None:
            headers["Authorization"] = f"Bearer {self._tokens.token(f'repository:{repository}:pull,push,delete')}"
        auth = (USER, PASSWORD) if self.auth == "basic" else None
        return httpx.Client(
            base_url=f"{self._scheme}://{self.host}", auth=auth, headers=headers, trust_env=False, verify=False
        )

    def blob(self, repository: str, body: bytes) -> dict[str, Any]:
        with self._http(repository) as http:
            where = http.post(f"/v2/{repository}/blobs/uploads/").raise_for_status().headers["location"]
            url = httpx.URL(where).copy_merge_params({"digest": digest_of(body)})
            http.put(url, content=body).raise_for_status()
        return {"mediaType": "application/octet-stream", "digest": digest_of(body), "size": len(body)}

    def manifest(self, repository: str, body: bytes, media_type: str, tag: str | None = None) -> str:
        with self._http(repository) as http:
            url = f"/v2/{repository}/manifests/{tag or digest_of(body)}"
            http.put(url, content=body, headers={"Content-Type": media_type}).raise_for_status()
        return digest_of(body)

    def image(self, repository: str, seed: str, *, tag: str | None = None, architecture: str = "amd64") -> Image:
        """Push a small image of one platform."""
        config = self.blob(
            repository,
            compact(
                {
                    "architecture": architecture,
                    "os": "linux",
                    "config": {"Labels": {"org.opencontainers.image.revision": seed}},
                    "rootfs": {"type": "layers", "diff_ids": []},
                }
            ),
        )
        config["mediaType"] = "application/vnd.oci.image.config.v1+json"
        layer = self.blob(repository, f"layer of {seed} {architecture}".encode())
        layer["mediaType"] = "application/vnd.oci.image.layer.v1.tar"
        body = compact({"schemaVersion": 2, "mediaType": media.OCI_MANIFEST, "config": config, "layers": [layer]})
        digest = self.manifest(repository, body, media.OCI_MANIFEST, tag)
        return Image(digest, body, config["digest"], layer["digest"], f"linux/{architecture}")

    def index(self, repository: str, seed: str, *, tag: str | None = None) -> tuple[str, list[Image]]:
        """Push an image of two platforms, with a buildx attestation beside them."""
        images = [self.image(repository, seed, architecture=each) for each in ("amd64", "arm64")]
        entries: list[dict[str, Any]] = [
            {
                "mediaType": media.OCI_MANIFEST,
                "digest": each.digest,
                "size": len(each.body),
                "platform": {"os": "linux", "architecture": each.platform.partition("/")[2]},
            }
            for each in images
        ]
        extra = self.image(repository, f"{seed} statement", architecture="unknown")
        entries.append(
            {
                "mediaType": media.OCI_MANIFEST,
                "digest": extra.digest,
                "size": len(extra.body),
                "platform": {"os": "unknown", "architecture": "unknown"},
                "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
            }
        )
        body = compact({"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": entries})
        return self.manifest(repository, body, media.OCI_INDEX, tag), images

    def delete(self, repository: str, kind: Literal["manifests", "blobs"], digest: str) -> None:
        with self._http(repository) as http:
            http.delete(f"/v2/{repository}/{kind}/{digest}").raise_for_status()


class Image:
    """What was pushed."""

    def __init__(self, digest: str, body: bytes, config: str, layer: str, platform: str) -> None:
        self.digest = digest
        self.body = body
        self.config = config
        self.layer = layer
        self.platform = platform


@contextlib.contextmanager
def running(folder: Path, auth: Auth, *, tls: bool = False) -> Iterator[Registry]:
    registry = Registry(folder, auth, tls=tls)
    try:
        yield registry
    finally:
        registry.close()


def _url64(body: bytes) -> bytes:
    return base64.urlsafe_b64encode(body).rstrip(b"=")
