"""kubeconfig and in-cluster semantics: the official loader, read once in a thread, into one plain value."""

from __future__ import annotations

import os
import ssl
import tempfile
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import msgspec

from cockpit.base.errors import ConfigError, CredentialsError
from cockpit.base.text import clean
from cockpit.cluster.execplugin import ExecPlugin
from cockpit.net.tls import tls_context

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class Loaded(msgspec.Struct, frozen=True):
    """What a kubeconfig (or a pod's service account) says of one context. ``authorization`` is the header's value."""

    context: str
    cluster: str
    server: str
    namespace: str
    user: str
    ssl_context: ssl.SSLContext | None
    source: str  # where it came from, for messages
    authorization: str | None = None
    token_file: Path | None = None
    plugin: ExecPlugin | None = None
    proxy: str | None = None
    tls_server_name: str | None = None
    certificate: str = ""  # digest of the client certificate, empty without one: tells a new login from an old one


def load(kubeconfig: str | None, context: str | None) -> Loaded:
    """Read everything. Blocking (imports ``kubernetes``, reads files): call it in a thread.

    Raises CredentialsError with one sentence: missing, unreadable or malformed file, unknown or no context.
    """
    files = kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
    paths = [Path(part).expanduser() for part in files.split(os.pathsep) if part]
    if not any(path.exists() for path in paths):
        if not kubeconfig and not os.environ.get("KUBECONFIG") and os.environ.get("KUBERNETES_SERVICE_HOST"):
            return _in_cluster()
        raise CredentialsError(f"kubeconfig {_names(paths)} does not exist; set KUBECONFIG or pass --kubeconfig")
    return _from_files(paths, context)


def _from_files(paths: list[Path], context: str | None) -> Loaded:
    from kubernetes.config import kube_config
    from kubernetes.config.config_exception import ConfigException

    name = _names([path for path in paths if path.exists()])
    try:
        merged = kube_config.KubeConfigMerger(os.pathsep.join(str(path) for path in paths))
        if merged.config is None:
            raise CredentialsError(f"kubeconfig {name} is empty; log in to a cluster first")
        chosen = _context(merged.config.value, context, name)
        return _of_context(merged, chosen, name)
    except OSError as error:
        raise CredentialsError(f"kubeconfig {name} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise CredentialsError(f"kubeconfig {name} is not text; replace it") from None
    except kube_config.yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark is not None else ""
        raise CredentialsError(f"kubeconfig {name} is not valid YAML{where}; correct it") from None
    except ConfigException as error:
        raise CredentialsError(f"kubeconfig {name}: {clean(str(error), 300)}") from None
    except ConfigError as error:  # of our TLS context
        raise CredentialsError(f"kubeconfig {name}: {error}") from None
    except (AttributeError, KeyError, TypeError, ValueError):
        # The loader walks the document without looking: a list where a mapping belongs surfaces as one of these.
        raise CredentialsError(f"kubeconfig {name} does not have the shape of a kubeconfig; correct it") from None


def _context(document: dict[str, Any], asked: str | None, name: str) -> str:
    known = sorted(str(item["name"]) for item in document["contexts"])
    listed = clean(", ".join(known), 300) or "none"
    chosen = asked or document.get("current-context")
    if not chosen:
        raise CredentialsError(f"kubeconfig {name} has no current context; pass --context (known: {listed})")
    if chosen not in known:
        raise CredentialsError(f"kubeconfig {name} has no context {clean(str(chosen), 100)}; known: {listed}")
    return str(chosen)


def _of_context(merged: Any, chosen: str, name: str) -> Loaded:
    from kubernetes.client import Configuration

    with tempfile.TemporaryDirectory(prefix="rollout-cockpit-") as scratch:
        # The loader writes inlined keys into files. They live here until the TLS context has read them, and no longer.
        loader = _loader_class()(
            config_dict=merged.config,
            active_context=chosen,
            config_base_path=None,
            config_persister=merged.save_changes,
            temp_file_path=scratch,
        )
        section = loader.current_context["context"]
        cluster_name = str(section.get("cluster"))
        user_name = str(section.get("user") or "")
        user = _plain(loader._user)
        if user_name and user is None:
            raise CredentialsError(
                f"kubeconfig {name}: context {clean(chosen, 100)} names user {clean(user_name, 100)}, "
                "which is not defined"
            )
        settings = type.__call__(Configuration)  # a private one: the default is shared by the whole process
        loader.load_and_set(settings)
        server, login = _server(str(getattr(loader, "host", "") or ""))
        if server is None:
            raise CredentialsError(
                f"kubeconfig {name}: cluster {clean(cluster_name, 100)} has no server URL that can be used"
            )
        context = None
        if server.startswith("https://"):
            context = tls_context(
                ca_file=settings.ssl_ca_cert,
                cert_file=settings.cert_file,
                key_file=settings.key_file,
                verify=settings.verify_ssl,
                strict=False,
            )
        certificate = sha256(Path(settings.cert_file).read_bytes()).hexdigest() if settings.cert_file else ""
    cluster = _plain(loader._cluster) or {}
    folder = _folder(loader._user) or _folder(loader._cluster) or Path()
    user = user or {}
    return Loaded(
        context=chosen,
        cluster=cluster_name,
        server=server,
        namespace=str(section.get("namespace") or "default"),
        user=user_name,
        ssl_context=context,
        source=f"kubeconfig {name}",
        authorization=settings.api_key.get("BearerToken") or login,
        token_file=folder / user["tokenFile"] if user.get("tokenFile") else None,
        plugin=_plugin(user, cluster, folder),
        proxy=str(cluster["proxy-url"]) if cluster.get("proxy-url") else None,
        tls_server_name=str(cluster["tls-server-name"]) if cluster.get("tls-server-name") else None,
        certificate=certificate,
    )


def _server(url: str) -> tuple[str | None, str | None]:
    """(URL without user and password, Authorization value they make): the URL is shown, they must never be."""
    try:
        parts = urlsplit(url.rstrip("/"))
        if parts.scheme not in ("https", "http") or not parts.hostname or (parts.port or 0) < 0:
            return None, None
    except ValueError:
        return None, None
    if clean(url) != url:
        return None, None
    userinfo, at, host = parts.netloc.rpartition("@")
    if not at:
        return url.rstrip("/"), None
    login = b64encode(unquote(userinfo).encode()).decode()
    return urlunsplit(parts._replace(netloc=host)), f"Basic {login}"


def _plugin(user: dict[str, Any], cluster: dict[str, Any], folder: Path) -> ExecPlugin | None:
    section = user.get("exec")
    if not isinstance(section, dict) or user.get("token") or user.get("tokenFile"):
        return None
    told = {
        key: cluster[key]
        for key in ("server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url")
        if cluster.get(key)
    }
    for extension in cluster.get("extensions") or []:
        if extension.get("name") == "client.authentication.k8s.io/exec":
            told["config"] = extension.get("extension")
    return ExecPlugin.of(section, folder, told)


def _in_cluster() -> Loaded:
    from kubernetes.client import Configuration
    from kubernetes.config.config_exception import ConfigException
    from kubernetes.config.incluster_config import load_incluster_config

    settings = type.__call__(Configuration)
    try:
        load_incluster_config(client_configuration=settings)
        namespace = (_SERVICE_ACCOUNT / "namespace").read_text(encoding="utf-8").strip()
        context = tls_context(ca_file=settings.ssl_ca_cert, strict=False)
    except (ConfigException, OSError, ConfigError) as error:
        raise CredentialsError(f"the pod's service account cannot be used: {clean(str(error), 300)}") from None
    return Loaded(
        context="in-cluster",
        cluster="in-cluster",
        server=str(settings.host).rstrip("/"),
        namespace=namespace or "default",
        user="service account",
        ssl_context=context,
        source="the pod's service account",
        token_file=_SERVICE_ACCOUNT / "token",
    )


def _loader_class() -> type[Any]:
    import certifi
    from kubernetes.config.kube_config import KubeConfigLoader

    class Loader(KubeConfigLoader):  # type: ignore[misc]
        def _load_from_exec_plugin(self) -> None:
            """Not here: the official runner hands the plugin our terminal and has no time-out."""

        def _refresh_oidc(self, provider: Any) -> None:
            # Without a CA in the kubeconfig the official one does not verify the identity provider at all.
            config = provider["config"].value
            absent = not {"idp-certificate-authority", "idp-certificate-authority-data"} & set(config)
            if absent:
                config["idp-certificate-authority"] = certifi.where()
            try:
                super()._refresh_oidc(provider)
            finally:
                if absent:  # it must not be persisted into the user's file
                    del config["idp-certificate-authority"]

    return Loader


def _plain(node: Any) -> dict[str, Any] | None:
    value = getattr(node, "value", node)
    return value if isinstance(value, dict) else None


def _folder(node: Any) -> Path | None:
    path = getattr(node, "path", None)
    return Path(path).absolute().parent if path else None


def _names(paths: list[Path]) -> str:
    return clean(os.pathsep.join(str(path) for path in paths), 200) or "(none named)"
