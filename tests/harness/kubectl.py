"""kubectl as an independent witness: it shares no code with the cockpit or the world."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Kubectl:
    """One kubectl binary on one kubeconfig, with a home of its own (its discovery cache lies there)."""

    def __init__(self, binary: Path, kubeconfig: Path, home: Path) -> None:
        self.binary = binary
        self.kubeconfig = kubeconfig
        home.mkdir(parents=True, exist_ok=True)
        self._environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "HOME": str(home)}

    def run(self, *arguments: str, stdin: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run it; a failure raises AssertionError with what it said, unless ``check`` is false."""
        done = subprocess.run(
            [str(self.binary), *arguments],
            check=False,
            env=self._environment,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        return self.run(*arguments, stdin=stdin).stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "-o", "json"))

    def get(self, resource: str, namespace: str, name: str) -> Any:
        """One object, decoded."""
        return self.json("get", resource, name, "-n", namespace)

    def apply(self, *objects: Mapping[str, Any]) -> str:
        """``kubectl apply`` of objects given as dicts."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        return self("apply", "-f", "-", stdin=json.dumps(listed))

    def merge(self, resource: str, namespace: str, name: str, patch: Mapping[str, Any]) -> str:
        """A merge patch on the main resource."""
        return self("patch", resource, name, "-n", namespace, "--type=merge", "-p", json.dumps(patch))

    def replace_raw(self, path: str, change: Any) -> Any:
        """GET a path, let ``change`` edit the object in place, PUT it back: what 1.20 has instead of --subresource."""
        current = json.loads(self("get", "--raw", path))
        change(current)
        return json.loads(self("replace", "--raw", path, "-f", "-", stdin=json.dumps(current)))
