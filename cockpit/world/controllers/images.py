"""What nodes hold of images: a name is resolved when it is pulled, and stays what it was on that node from then on."""

from __future__ import annotations

import sys

from cockpit.world.contract import World
from cockpit.world.profiles import ProfileBook, normalize
from cockpit.world.registry.holdings import Holdings


class NodeImages:
    """The image stores of all nodes, by containerd's rules: one digest per name and node, whatever a tag says later."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._names: dict[tuple[str, str], str] = {}  # (node, image) -> image id
        self._contents: set[tuple[str, str]] = set()  # (node, image id)

    def held(self, node: str, image: str, policy: str) -> str | None:
        """The image id that a container of ``image`` starts from without a pull; None: it has to be pulled."""
        return None if policy == "Always" else self._names.get((node, image))

    def refusal(self, node: str, image: str) -> str | None:
        """Why the registry does not give ``image`` to ``node``; None: it does."""
        registry = getattr(self._world, "registry", None)
        holdings = getattr(registry, "holdings", None)
        if not isinstance(holdings, Holdings):
            return None
        image_id = self._resolved(image)
        # What a node has already it need not be given, whatever name it is asked for by.
        if (node, image_id) in self._contents or holdings.pullable(image_id.rpartition("@")[2], self._platform(node)):
            return None
        return (
            f'rpc error: code = NotFound desc = failed to pull and unpack image "{image}": '
            f'failed to resolve reference "{image}": {image}: not found'
        )

    def pull(self, node: str, image: str) -> tuple[str, bool]:
        """(image id, whether its layers were there already)."""
        image_id = self._resolved(image)
        known = (node, image_id) in self._contents
        self._contents.add((node, image_id))
        self._names[node, image] = image_id
        return image_id, known

    def load(self, node: str, image: str, content: str) -> None:
        """Somebody put what ``content`` names under the name ``image`` by hand, past every registry."""
        image_id = self._resolved(content)
        self._contents.add((node, image_id))
        self._names[node, image] = image_id

    def _resolved(self, image: str) -> str:
        book = self._world.profiles
        repository, reference = normalize(image)
        digest = book.digest(image) if isinstance(book, ProfileBook) else reference
        return sys.intern(f"{repository}@{digest}")  # one string for all pods of an image

    def _platform(self, node: str) -> str:
        labels = ((self._world.objects.get("nodes", None, node) or {}).get("metadata") or {}).get("labels") or {}
        return str(labels.get("kubernetes.io/arch", "amd64"))
