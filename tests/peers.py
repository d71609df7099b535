"""Independent peers from Debian (kubectl, Prometheus, Alertmanager, docker-registry): fetched, or skipped by name.

``python3 tests/peers.py fetch`` unpacks them below ``.cache/peers`` with ``apt-get download`` and ``dpkg -x``:
nothing is installed, nothing clashes, no root is needed. Standard library only, because it runs before the
environment exists.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("COCKPIT_PEERS") or ROOT / ".cache" / "peers")

PACKAGES: dict[str, tuple[str, ...]] = {
    "kubernetes-client": ("kubectl",),
    "prometheus": ("prometheus", "promtool"),
    "prometheus-alertmanager": ("prometheus-alertmanager",),
    "docker-registry": ("docker-registry",),
}
"""Debian package -> the binaries that tests use of it."""

_NEWER_KUBECTL = ("kubectl.1.33", "kubectl.1.32", "kubectl.1.31", "kubectl.1.30", "kubectl.1.29", "kubectl.1.28")


def binary(name: str) -> Path | None:
    """The unpacked binary ``name`` of one of ``PACKAGES``, None when it was not fetched."""
    for package, names in PACKAGES.items():
        if name in names:
            path = CACHE / package / "usr" / "bin" / name
            return path if path.is_file() else None
    raise KeyError(f"no Debian package listed for {name}")


def kubectl() -> Path | None:
    """Debian's kubectl, version 1.20.2."""
    return binary("kubectl")


def newer_kubectl() -> Path | None:
    """The newest kubectl that this machine has besides Debian's; None where there is none.

    What is called ``kubectl`` may be a dispatcher that picks a client by the server's version, so the versioned names
    beside it are looked at first.
    """
    if chosen := os.environ.get("COCKPIT_TEST_KUBECTL"):
        return Path(chosen)
    found = shutil.which("kubectl")
    if found is None:
        return None
    beside = Path(found).resolve().parent
    for name in _NEWER_KUBECTL:
        if (beside / name).is_file():
            return beside / name
    return Path(found).resolve()


def prometheus() -> Path | None:
    return binary("prometheus")


def promtool() -> Path | None:
    return binary("promtool")


def alertmanager() -> Path | None:
    return binary("prometheus-alertmanager")


def docker_registry() -> Path | None:
    return binary("docker-registry")


def need(name: str) -> Path:
    """The binary, or a skip that says how to get it; under ``CI`` its absence is a failure."""
    import pytest  # here, so that fetching needs no environment

    found = binary(name)
    if found is not None:
        return found
    message = f"needs Debian's {name}: python3 tests/peers.py fetch"
    outcome = pytest.fail if os.environ.get("CI") else pytest.skip
    raise outcome.Exception(message)


def fetch() -> list[str]:
    """Download and unpack what is missing; returns what could not be had, one sentence each."""
    problems = []
    downloads = CACHE / "debs"
    downloads.mkdir(parents=True, exist_ok=True)
    for package, names in PACKAGES.items():
        target = CACHE / package
        if all((target / "usr" / "bin" / name).is_file() for name in names):
            continue
        try:
            subprocess.run(
                ["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", package], cwd=downloads, check=True
            )
            archive = max(downloads.glob(f"{package}_*.deb"), key=lambda path: path.stat().st_mtime)
            subprocess.run(["dpkg", "-x", str(archive), str(target)], check=True)
        except (OSError, subprocess.CalledProcessError, ValueError) as error:
            problems.append(f"{package}: {error}")
            continue
        problems += [f"{package} holds no {name}" for name in names if binary(name) is None]
    return problems


def main() -> int:
    if sys.argv[1:] != ["fetch"]:
        print("usage: python3 tests/peers.py fetch", file=sys.stderr)
        return 2
    problems = fetch()
    for problem in problems:
        print(f"peer missing: {problem}", file=sys.stderr)
    for names in PACKAGES.values():
        for name in names:
            print(f"{name}: {binary(name) or 'missing'}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
