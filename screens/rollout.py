"""RolloutView (5b): one rollout, canary beside baseline: verdict, steps, SLIs, burn, pods, logs, events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Container
from textual.widget import Widget

from cockpit.model.resource import Key
from cockpit.model.rollout import Rollout
from cockpit.model.snapshot import Snapshot
from screens.draw.line import Line, joined
from screens.keys import PANES, bindings
from screens.log_keys import LogKeys, LogPane
from screens.parts.drift import drift_piece
from screens.parts.events import event_line, of_rollout
from screens.parts.header import stale
from screens.parts.pods import arm_line, arm_pods, brief, pod_table, why
from screens.parts.sentence import sentence
from screens.parts.sli_lines import burn_lines, burn_title, sli_table
from screens.parts.status import pod_trouble
from screens.widgets.canvas import Canvas
from screens.widgets.log_ring import LogRing
from screens.widgets.panel import Panel
from screens.widgets.step_timeline import StepTimeline

_PANES = ("steps", "sli", "burn", "pods", "canary-log", "baseline-log")
_LOG_HINTS = (
    "log.follow", "log.wrap", "log.time", "log.tail", "log.errors", "find.start", "pane.next", "pane.full", "help",
    "nav.back",
)  # fmt: skip
_PANE_HINTS = (
    "pane.next", "pane.full", "view.describe", "view.yaml", "view.tree", "view.metrics", "view.burn", "view.events",
    "app.freeze", "help", "nav.back",
)  # fmt: skip


class RolloutView(LogKeys):
    """The cockpit of one rollout. Its logs and SLI history are streamed while it is open."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(PANES)]
    NEEDS: ClassVar[tuple[str, ...]] = ("#hints", "#sli", "#burn", "#canary-log", "#baseline-log")
    live = True

    def __init__(self, key: Key) -> None:
        super().__init__()
        self.key = key
        self.full: str | None = None
        self.known: Rollout | None = None
        self._was: Widget | None = None

    def body(self) -> Iterable[Widget]:
        yield Canvas(id="sentence")
        yield StepTimeline(id="steps")
        with Container(id="middle", classes="row"):
            yield Panel(id="sli")
            yield Panel(id="burn")
        yield Panel(id="pods")
        with Container(id="logs", classes="row"):
            yield LogPane("canary", id="canary-log")
            yield LogPane("baseline", id="baseline-log")
        yield Canvas(id="events")

    def trail(self) -> tuple[str, ...]:
        arms = self.known
        revisions = ""
        if arms and arms.canary and arms.baseline:
            revisions = f"  rev {arms.baseline.revision} → {arms.canary.revision}"
        name = str(self.key) if self.key.kind == "Rollout" else f"{self.key.kind} {self.key}"
        return (f"{name}{revisions}",)

    def target(self) -> Key | None:
        return self.key

    def hints_now(self) -> tuple[str, ...]:
        if isinstance(self.focused, LogRing):
            return _LOG_HINTS
        return _PANE_HINTS

    def on_mount(self) -> None:
        super().on_mount()
        seat = self.cockpit.seat
        if seat is None:
            return
        seat.focus(self.key)
        for pane in self.query(LogPane):
            role = pane.role
            pane.attach(lambda role=role: seat.logs(self.key, role), role.upper())  # type: ignore[misc]

    def on_unmount(self) -> None:
        seat = self.cockpit.seat
        top = self.cockpit.view
        if seat is not None and not (isinstance(top, RolloutView) and top is not self):
            seat.focus(None)

    def mover(self) -> Canvas | None:
        found = super().mover()
        return found if found is not None else self.query_one("#canary-log", LogPane)

    def refocus(self) -> None:
        self.set_focus(self._was)

    def action_find(self) -> None:
        self._was = self.focused
        super().action_find()

    def action_command(self) -> None:
        self._was = self.focused
        super().action_command()

    # -- layout ------------------------------------------------------------------------------------

    def layout_for(self, width: int, height: int) -> None:
        compact, full = self.compact, self.full
        frame = "rule" if compact else "box"
        for name in _PANES:
            self.query_one(f"#{name}", Canvas).frame = frame
        narrow = width < 76
        for name in ("sli", "canary-log"):  # boxes part themselves; without them a blank column does
            self.query_one(f"#{name}", Canvas).gutter_right = 1 if compact and not full and not narrow else 0
        shown = {"steps", "sli", "canary-log", "baseline-log"}
        if not narrow:
            shown.add("burn")
        if not compact:
            shown.add("pods")
        if narrow:
            shown.discard("canary-log" if self._focused_id() == "baseline-log" else "baseline-log")
        if full:
            shown = {full}
        for name in _PANES:
            self.query_one(f"#{name}").display = name in shown
        steps, middle, pods = self.query_one("#steps"), self.query_one("#middle"), self.query_one("#pods")
        self.query_one("#steps", Canvas).frame = "" if compact else "box"
        steps.styles.height = "1fr" if full == "steps" else 2 if compact else 4
        middle.display = bool(shown & {"sli", "burn"})
        rows = 6 if height < 28 else 9 if height < 44 else 11 if height < 60 else 19
        middle.styles.height = "1fr" if full in {"sli", "burn"} else rows
        self.query_one("#burn").styles.width = "1fr" if full == "burn" else 33 if compact else 44
        pods.styles.height = "1fr" if full == "pods" else 4 if height < 44 else 7
        logs = self.query_one("#logs")
        logs.display = bool(shown & {"canary-log", "baseline-log"})
        logs.styles.height = "1fr"
        self.query_one("#events").styles.height = 1 if height < 44 else 3

    def _focused_id(self) -> str | None:
        return self.focused.id if self.focused is not None else None

    # -- drawing -----------------------------------------------------------------------------------

    def draw_body(self, snapshot: Snapshot, now: float) -> None:
        width = self.size.width
        rollout = snapshot.rollouts.get(self.key)
        line = self.query_one("#sentence", Canvas)
        if rollout is None:
            gone = (
                Line(" ").add(" GONE ", "unknown-banner").add(f"  {self.key} is not in this cluster any more", "strong")
            )
            line.show([gone.add("; below is what was seen last", "text").cut(width)])
            return
        self.known = rollout
        assessment = snapshot.assessments.get(self.key)
        line.show([sentence(rollout, assessment, snapshot.sources.get("kubernetes"), now, width)])
        self.query_one("#steps", StepTimeline).draw(rollout, now, snapshot.acts.get(self.key))
        self._draw_sli(snapshot, now)
        self._draw_burn(rollout, snapshot, now)
        self._draw_pods(rollout, snapshot, now)
        strip = self.query_one("#events", Canvas)
        mine = of_rollout(snapshot.events, self.key)
        if strip.size.height > 1:
            lines = [Line(" ").extend(event_line(event, width - 1, name=False)) for event in mine[:3]]
        else:
            lines = [
                Line(" ").extend(joined([event_line(event, width, name=False) for event in mine[:3]], "   ")).cut(width)
            ]
        strip.show(lines if mine else [Line(" no events yet", "dim")])

    def _draw_sli(self, snapshot: Snapshot, now: float) -> None:
        seat = self.cockpit.seat
        panel = self.query_one("#sli", Panel)
        if seat is None or not panel.display:
            return
        assessment = snapshot.assessments.get(self.key)
        columns, rows = panel.inner
        until = assessment.as_of if assessment and assessment.as_of is not None else now
        alone = self.known is not None and self.known.canary is None
        source = snapshot.sources.get("prometheus")
        page = sli_table(assessment, seat.series(self.key), source, until, columns, rows, alone=alone)
        title = Line("SLI · ", "title").add("canary", "canary").add(" over ", "dim")
        title.add(
            "before" if self.known and self.known.baseline is None and self.known.before else "baseline", "baseline"
        )
        panel.draw(page, title, Line("m metrics", "dim"))

    def _draw_burn(self, rollout: Rollout, snapshot: Snapshot, now: float) -> None:
        panel = self.query_one("#burn", Panel)
        if not panel.display:
            return
        assessment = snapshot.assessments.get(self.key)
        columns, rows = panel.inner
        burn = assessment.burn if assessment else None
        page = burn_lines(burn, rollout, now, columns, snapshot.sources.get("prometheus"))
        if self.compact:  # pods have no panel of their own here
            summary = [brief(rollout)]
            if rollout.canary is not None and (trouble := pod_trouble(rollout.canary)):
                first = next(pod for pod in rollout.canary.pods if pod.reason)
                summary = [Line(trouble, "bad"), Line(why(first).removeprefix(" · "), "text")]
            page = [*page[: rows - len(summary)], *(line.cut(columns) for line in summary)]
        panel.draw(page, burn_title(burn), Line("b burn", "dim") if columns > 36 else None)

    def _draw_pods(self, rollout: Rollout, snapshot: Snapshot, now: float) -> None:
        panel = self.query_one("#pods", Panel)
        if not panel.display:
            return
        columns, rows = panel.inner
        right, dim = Line("x tree  d describe  y yaml", "dim"), stale(snapshot)
        drift = drift_piece(snapshot.drifts.get(self.key, ()))
        if drift.width:
            right = drift.cut(max(20, columns - 40)).add("  r drift", "dim")
        if self.full == "pods":
            panel.draw(pod_table(rollout, now, columns), Line("pods", "title"), right)
            return
        half = (columns - 3) // 2
        other = rollout.baseline or rollout.before
        label = "before" if rollout.baseline is None and rollout.before is not None else ""
        left = [arm_line(rollout.canary, "canary"), *arm_pods(rollout.canary, half - 2, rows - 1, rollout.message)]
        right_side = [arm_line(other, "baseline", label=label), *arm_pods(other, half - 2, rows - 1)]
        page = []
        for index in range(rows):
            one = left[index] if index < len(left) else Line()
            two = right_side[index] if index < len(right_side) else Line()
            pad = Line("  " if index else "")
            page.append(
                pad.extend(one)
                .cut(half)
                .to(half)
                .add(" │ ", "faint")
                .extend(Line("  " if index else "").extend(two).cut(half))
            )
        panel.draw([line.roles("stale") if dim else line for line in page], Line("replicasets · pods", "title"), right)

    def tick(self) -> None:
        for pane in self.query(LogPane):
            if pane.display:
                pane.draw()

    # -- panes -------------------------------------------------------------------------------------

    def action_pane(self, name: str) -> None:
        wanted = {"logs": "canary-log"}.get(name, name)
        if self.full:
            self.full = wanted
            self.layout_for(self.size.width, self.size.height)
        pane = self.query_one(f"#{wanted}")
        if not pane.display:  # no room for it beside the others: full screen
            self.full = wanted
            self.layout_for(self.size.width, self.size.height)
        self.set_focus(pane)
        self.call_after_refresh(self._laid_out)

    def action_pane_next(self, step: int) -> None:
        shown = [name for name in _PANES if self.query_one(f"#{name}").display] if not self.full else list(_PANES)
        at = shown.index(self._focused_id() or "") if self._focused_id() in shown else -step
        name = shown[(at + step) % len(shown)]
        if self.full:
            self.full = name
        elif self.size.width < 76 and name == "canary-log":
            name = "baseline-log" if self._focused_id() == "canary-log" else name
        self.set_focus(self.query_one(f"#{name}"))
        self.layout_for(self.size.width, self.size.height)
        self.call_after_refresh(self._laid_out)

    def action_pane_full(self) -> None:
        self.full = None if self.full else self._focused_id() or "canary-log"
        self.layout_for(self.size.width, self.size.height)
        self.call_after_refresh(self._laid_out)

    def _laid_out(self) -> None:
        self.redraw()
        self.tick()

    def action_back(self) -> None:
        if self.full:
            self.action_pane_full()
        else:
            super().action_back()

    def action_copy(self) -> None:
        arm = self.known.canary if self.known else None
        digest = arm.images[0].digest if arm and arm.images else None
        self.cockpit.copy(digest or str(self.key), digest or str(self.key))
