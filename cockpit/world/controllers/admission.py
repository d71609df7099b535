"""Admission of pods: what the API server refuses whoever asks, beside the pod's own shape."""

from __future__ import annotations

from cockpit.world import status
from cockpit.world.contract import Object, World
from cockpit.world.controllers.quota import Quotas


class Admission:
    """Service account, priority class and quota of a new pod, as the built-in admission plug-ins see to them."""

    def __init__(self, world: World, quotas: Quotas) -> None:
        self._world = world
        self._quotas = quotas

    def refusal(self, namespace: str, pod: Object) -> str | None:
        """Why a new ``pod`` may not be created, in the API server's words; None when it may."""
        spec = pod["spec"]
        account = spec.get("serviceAccountName") or "default"
        # every namespace has its default account, if a moment after its birth
        if account != "default" and self._world.objects.get("serviceaccounts", namespace, account) is None:
            return f'error looking up service account {namespace}/{account}: serviceaccount "{account}" not found'
        priority = spec.get("priorityClassName")
        if priority and self._world.objects.get("priorityclasses", None, priority) is None:
            return f"no PriorityClass with name {priority} was found"
        return self._quotas.refusal(namespace, pod)

    def check(self, pod: Object) -> None:
        """Raises ``status.Rejected`` (403) for what is refused: for those who write to the store directly."""
        metadata = pod["metadata"]
        why = self.refusal(metadata["namespace"], pod)
        if why is not None:
            raise status.forbidden("pods", "", str(metadata.get("name", "")), why)
