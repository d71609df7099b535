"""Which objective and which SLIs are in force for a rollout: of the settings, else what Sloth or Pyrra declare."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from cockpit.config import Settings, SloSettings
from cockpit.metrics.burn import slo_of
from cockpit.metrics.follow import Follow
from cockpit.metrics.objectives import Objective, Objectives
from cockpit.metrics.own import OwnSli, of
from cockpit.metrics.presets import Preset
from cockpit.metrics.slis import Judged, judged
from cockpit.model.resource import Key
from cockpit.model.rollout import Rollout


class InForce:
    """Answers for one preset and the settings; ``declared`` is filled by whoever asks Prometheus."""

    def __init__(self, settings: Settings, preset: Preset, own: dict[str, OwnSli]) -> None:
        self._settings = settings
        self._preset = preset
        self._own = own
        self.declared = Objectives()

    def own(self, key: Key) -> dict[str, OwnSli]:
        """SLIs of the user's own that are meant for one rollout."""
        return of(key, self._own)

    def slo(self, rollout: Rollout) -> SloSettings | None:
        """The objective; None where there is none, or none that can be used (``fault``)."""
        configured = slo_of(rollout.key, self._settings.slo)
        if configured is not None:
            return configured if configured.fault is None else None
        declared = self.declared.of(rollout)
        return declared.settings() if declared is not None else None

    def fault(self, rollout: Rollout) -> str | None:
        """Why the objective that the settings have for it cannot be used."""
        configured = slo_of(rollout.key, self._settings.slo)
        return configured.fault if configured is not None else None

    def objective(self, rollout: Rollout) -> Objective | None:
        """The objective as rules in Prometheus know it."""
        return self.declared.of(rollout)

    def judged(self, rollout: Rollout) -> Judged:
        own = tuple(item.sli for item in self.own(rollout.key).values())
        return judged(self._preset, self._settings.judge, self.slo(rollout), own)

    def periods(self, follows: Collection[Follow]) -> Mapping[Key, float]:
        """SLO periods whose budget no rules know, in seconds."""
        found = {}
        for follow in follows:
            slo, declared = self.slo(follow.rollout), self.declared.of(follow.rollout)
            if slo is not None and (declared is None or declared.remaining is None):
                found[follow.key] = slo.period_days * 86_400.0
        return found
