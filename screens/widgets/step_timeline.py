"""StepTimeline: the steps with the current one in view, and the weight; scrolls sideways when there are many."""

from __future__ import annotations

from cockpit.model.rollout import Rollout
from cockpit.model.snapshot import SeatAct
from screens.draw.line import Line
from screens.parts.steps import timeline, weight
from screens.widgets.canvas import Canvas


class StepTimeline(Canvas, can_focus=True):
    """Two lines in a frame. ``offset`` None keeps the current step in view."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._offset: int | None = None
        self._rollout: Rollout | None = None
        self._act: SeatAct | None = None
        self._now = 0.0

    def draw(self, rollout: Rollout, now: float, act: SeatAct | None = None) -> None:
        """``act``: the newest on this rollout, from any seat."""
        self._rollout, self._now, self._act = rollout, now, act
        width, _ = self.inner
        total = len(rollout.steps)
        title = Line("steps", "title")
        if total and rollout.step_index is not None:
            title.add(f" {min(rollout.step_index + 1, total)}/{total}", "strong")
        right = Line(rollout.strategy, "text")
        if rollout.traffic:
            right.add(f" · {rollout.traffic}", "text")
        if rollout.owner is not None:
            right.add(f" · {rollout.owner.tool} {rollout.owner.name}", "warn")
        self.show([timeline(rollout, width, self._offset), weight(rollout, now, width, act)], title, right)

    def sideways(self, steps: int) -> None:
        """Look at other steps by hand."""
        if self._rollout is None or not self._rollout.steps:
            return
        at = self._offset if self._offset is not None else self._rollout.step_index or 0
        self._offset = max(0, min(at + steps, len(self._rollout.steps) - 1))
        self.draw(self._rollout, self._now, self._act)

    def on_blur(self) -> None:
        self._offset = None
        if self._rollout is not None:
            self.draw(self._rollout, self._now, self._act)

    def on_resize(self) -> None:
        if self._rollout is not None:
            self.draw(self._rollout, self._now, self._act)

    def on_focus(self) -> None:
        self.on_resize()
