"""What happens to images behind the backs of controllers: tags pushed again, pods edited, webhooks, loaded images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from cockpit.world import controllers
from cockpit.world.contract import Object, Profile, World
from cockpit.world.profiles import ProfileBook, normalize
from cockpit.world.registry.holdings import Holdings, Signed
from cockpit.world.store import Store

Deed = Callable[[], None]
Fate = Literal[
    "held", "collected", "no-amd64", "no-layers", "bundle", "unsigned", "unattested", "wrong-key", "wrong-subject"
]
"""What became of an image in its registry: still there; garbage-collected; one platform of it lost; its layers lost.
Signatures: as ``registry.holdings.Signed`` says; of the others by cosign's tags."""


class Push(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The tag of a version is built and pushed once more, ``age`` before the present."""

    age: str
    profile: Profile = Profile()


class Hotfix(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Somebody sets the image of one running pod to another tag of its repository with the client named ``by``."""

    age: str
    tag: str
    by: str = "kubectl-set"


class Webhook(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A mutating webhook for pods of ``namespace`` whose ``app`` label it is: registry host ``mirror``, by digest."""

    namespace: str
    app: str
    mirror: str = "mirror.acme.test"


class Load(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """On ``node`` the content of ``tag`` is imported under the name of a version, ``age`` before the present."""

    age: str
    node: str
    tag: str


def signs(world: World, image: str, fate: Fate) -> None:
    """How the pipeline signed ``image``: true from its first push on."""
    holdings, book = _holdings(world), world.profiles
    how: dict[Fate, Signed] = {
        "bundle": "bundle",
        "unsigned": "unsigned",
        "unattested": "unattested",
        "wrong-key": "wrong-key",
        "wrong-subject": "wrong-subject",
    }
    if fate in how and holdings is not None and isinstance(book, ProfileBook):
        holdings.sign(book.digest(image), how[fate])


def loses(world: World, image: str, fate: Fate) -> Deed:
    """The registry loses ``image`` or parts of it."""

    def deed() -> None:
        holdings, book = _holdings(world), world.profiles
        if holdings is None or not isinstance(book, ProfileBook):
            return
        digest = book.digest(image)
        match fate:
            case "collected":
                holdings.collect(digest)
            case "no-amd64":
                holdings.lose_platform(digest, "amd64")
            case "no-layers":
                holdings.lose_layers(digest)

    return deed


def pushes(world: World, image: str, profile: Profile) -> Deed:
    """The tag ``image`` pulls another build from now on."""

    def deed() -> None:
        book = world.profiles
        if isinstance(book, ProfileBook):
            book.push(image)
            book.set(image, profile)

    return deed


def edits(world: World, namespace: str, app: str, image: str, by: str) -> Deed:
    """Set the image of the oldest running pod of ``app``."""

    def deed() -> None:
        pods = world.objects.select("pods", namespace, {"app": app})
        pods.sort(key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))

        def write(pod: Object) -> None:
            pod["spec"]["containers"][0]["image"] = image

        for pod in pods[:1]:
            world.objects.mutate("pods", namespace, pod["metadata"]["name"], write, manager=by)

    return deed


def loads(world: World, node: str, image: str, content: str) -> Deed:
    """The name ``image`` stands for ``content`` on one node."""
    return lambda: controllers.of(world).images.load(node, image, content)


def admits(world: World, webhook: Webhook) -> None:
    """Install a webhook: pods are rewritten when they are created, by whomever."""

    def rewrite(pod: Object) -> None:
        metadata, book = pod["metadata"], world.profiles
        fits = metadata["namespace"] == webhook.namespace and (metadata.get("labels") or {}).get("app") == webhook.app
        if not fits or not isinstance(book, ProfileBook):
            return
        for container in pod["spec"]["containers"]:
            path = normalize(container["image"])[0].partition("/")[2]
            container["image"] = f"{webhook.mirror}/{path}@{book.digest(container['image'])}"

    if isinstance(world.objects, Store):
        world.objects.admission.append(rewrite)


def _holdings(world: World) -> Holdings | None:
    found = getattr(getattr(world, "registry", None), "holdings", None)
    return found if isinstance(found, Holdings) else None
