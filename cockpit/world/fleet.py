"""Generated fleets: any number of Rollouts of about ten pods, a few per cent of them moving."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from cockpit.world import acts
from cockpit.world.contract import Object, Profile, World
from cockpit.world.profiles import ProfileBook

MOVING = 0.03
"""Share of Rollouts with an update in flight."""

HISTORY = 7200.0
"""Seconds that a fleet's oldest revision lies back."""

_PER_NAMESPACE = 25
_SUBJECTS = (
    "account", "address", "audit", "basket", "billing", "booking", "catalog", "chat", "claims", "coupon", "credit",
    "currency", "delivery", "device", "email", "export", "feed", "fraud", "gallery", "geo", "identity", "import",
    "inventory", "invoice", "label", "loyalty", "mail", "media", "message", "metrics", "notice", "offer", "order",
    "parcel", "payment", "photo", "price", "profile", "quota", "rating", "refund", "report", "return", "review",
    "route", "search", "session", "shipping", "stock", "tax", "ticket", "token", "tracking", "upload", "voucher",
    "wallet",
)  # fmt: skip
_ROLES = ("api", "worker", "gateway", "indexer", "web", "sync")
_STEPS: list[dict[str, Any]] = [
    {"setWeight": 10},
    {"pause": {"duration": "10m"}},
    {"setWeight": 30},
    {"pause": {}},
    {"setWeight": 60},
    {"pause": {"duration": "10m"}},
]
_FAULTS = (
    Profile(),
    Profile(),
    Profile(error_rate=0.03, log_line="upstream reset before headers"),
    Profile(latency_median=0.11),
)


def names(count: int) -> list[tuple[str, str]]:
    """(namespace, name) of the fleet, stable for any count."""
    rows = []
    for index in range(count):
        subject = _SUBJECTS[index % len(_SUBJECTS)]
        role = _ROLES[index // len(_SUBJECTS) % len(_ROLES)]
        turn = index // (len(_SUBJECTS) * len(_ROLES))
        rows.append((f"team-{index // _PER_NAMESPACE + 1:02d}", f"{subject}-{role}" + (f"-{turn + 1}" if turn else "")))
    return rows


def timeline(world: World, count: int) -> list[tuple[float, Callable[[], None]]]:
    """(age in seconds, what happens then): two revisions for everyone, a third in flight for a few."""
    rng = world.rng("fleet", count)
    rows: list[tuple[float, Callable[[], None]]] = []
    moving = set(rng.sample(range(count), min(count, max(1, round(count * MOVING)))))
    for index, (namespace, name) in enumerate(names(count)):
        rows += _member(world, rng, namespace, name, moves=index in moving)
    return rows


def _member(
    world: World, rng: random.Random, namespace: str, name: str, *, moves: bool
) -> list[tuple[float, Callable[[], None]]]:
    repository = f"registry.acme.test/{namespace}/{name}"
    book = world.profiles
    if isinstance(book, ProfileBook):
        book.set_rps(namespace, name, float(rng.randint(5, 80)))
    subject = acts.Subject(world, "Rollout", namespace, name)
    start = HISTORY - 600 - rng.random() * 900
    replicas = rng.randint(8, 12)
    rows = [
        (start, subject.create(_objects(namespace, name, f"{repository}:v1.0.0"))),
        (start - 60, subject.update(f"{repository}:v1.1.0")),
        (start - 70, subject.act("promote-full", "kubectl-argo-rollouts")),
        (start - 100, subject.scale(replicas)),
    ]
    if moves:
        image = f"{repository}:v1.2.0"
        book.set(image, rng.choice(_FAULTS))
        rows.append((rng.uniform(60, 1800), subject.update(image)))
    return rows


def _objects(namespace: str, name: str, image: str) -> list[Object]:
    return [
        acts.service(namespace, name, name),
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Rollout",
            "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": {"app": name}},
                "template": acts.pod_template(name, image, {"app": name}),
                "strategy": {"canary": {"steps": _STEPS}},
            },
        },
    ]
