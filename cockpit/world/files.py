"""The files through which clients find the world: a kubeconfig and the cockpit's config."""

from __future__ import annotations

import base64
import json
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Readable by its owner only: it holds a token."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text, encoding="utf-8")


def kubeconfig(context: str, server: str, authority: bytes, token: str) -> str:
    """A kubeconfig (YAML) of one context with a token."""
    data = base64.b64encode(authority).decode()
    name = json.dumps(context)
    return f"""apiVersion: v1
kind: Config
current-context: {name}
clusters:
- name: {name}
  cluster:
    server: {server}
    certificate-authority-data: {data}
users:
- name: admin
  user:
    token: {json.dumps(token)}
contexts:
- name: {name}
  context:
    cluster: {name}
    user: admin
    namespace: default
preferences: {{}}
"""


HOSTS = ("registry.acme.test", "mirror.acme.test", "registry.example", "docker.io")
"""Whose images the world's registry serves: its kubelets pull whatever is named, and so it holds it."""


def registry(address: str, key: Path) -> str:
    """The part of the settings that says where the images of the world are, and whose signatures count."""
    places = "".join(
        f"""
[[registries]]
match = {json.dumps(host)}
endpoint = {json.dumps(address)}
plain_http = true
"""
        for host in HOSTS
    )
    return f"""{places}
[signatures]
keys = [{json.dumps(str(key))}]
"""


def settings(
    *,
    kubeconfig: Path,
    context: str,
    prometheus: str | None,
    scenario: str,
    time_scale: float,
    journal: Path,
    extra: str = "",
) -> str:
    """The cockpit's config.toml for this world. JSON strings are valid TOML strings.

    ``extra`` stands before the objective for all, since the first that fits a rollout counts.
    """
    source = f"\n[prometheus]\nurl = {json.dumps(prometheus)}\n" if prometheus else ""
    return f"""# Written by `cockpit world`.
[cluster]
kubeconfig = {json.dumps(str(kubeconfig))}
context = {json.dumps(context)}
{source}{extra}
[[slo]]
name = "availability"
match = "*/*"
objective = 0.999
period_days = 30

[world]
scenario = {json.dumps(scenario)}
time_scale = {time_scale!r}

[journal]
path = {json.dumps(str(journal))}
"""
