"""Who re-applies a workload from elsewhere: Argo CD, Flux or Helm, read from labels and annotations."""

from __future__ import annotations

from collections.abc import Mapping

from cockpit.base.text import clean
from cockpit.model.rollout import Owner

# (tool, where, key). `app.kubernetes.io/instance` proves nothing: Argo CD may track by it, Helm charts set it too.
_SIGNS = (
    ("argocd", "annotation", "argocd.argoproj.io/tracking-id"),
    ("argocd", "label", "argocd.argoproj.io/instance"),
    ("flux", "label", "kustomize.toolkit.fluxcd.io/name"),
    ("flux", "label", "helm.toolkit.fluxcd.io/name"),
    ("helm", "annotation", "meta.helm.sh/release-name"),
)
_FLUX_OFF = "kustomize.toolkit.fluxcd.io/reconcile"


def owner(labels: Mapping[str, str], annotations: Mapping[str, str]) -> Owner | None:
    """The owner, with one sentence on what it will do to a change of the template made here."""
    for tool, where, key in _SIGNS:
        value = (labels if where == "label" else annotations).get(key)
        if not value:
            continue
        name = clean(value.partition(":")[0] if key.endswith("tracking-id") else value, 253)
        evidence = clean(f"{where} {key}={value}", 512)
        if tool == "argocd":
            warning = f"Argo CD application {name} may re-apply Git over this change; revert in Git as well"
            return Owner("argocd", name, evidence, warning)
        if tool == "flux":
            if annotations.get(_FLUX_OFF) == "disabled":
                warning = f"Flux {name} is disabled for this object; revert in Git before it is enabled again"
            else:
                warning = f"Flux {name} will re-apply Git over this change at its next interval; revert in Git as well"
            return Owner("flux", name, evidence, warning)
        return Owner("helm", name, evidence, f"the next upgrade of Helm release {name} will overwrite this change")
    return None
