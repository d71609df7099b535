"""GitOps reconcilers: the objects of Argo CD and Flux that apply a workload from elsewhere, found and understood."""

from __future__ import annotations

from cockpit.actions.reconcilers.marks import Managed, Unsure, managed
from cockpit.actions.reconcilers.reconciler import Reconciler

__all__ = ["Managed", "Reconciler", "Unsure", "managed"]
