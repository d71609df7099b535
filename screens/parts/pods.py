"""Both arms' pods: how many are up, and why the others are not."""

from __future__ import annotations

from cockpit.model.rollout import Arm, Pod, Rollout
from screens.draw import glyphs
from screens.draw.format import age, image_name, rev, short_digest
from screens.draw.line import Line

_ROLE = {"canary": "canary-strong", "baseline": "baseline-strong"}
LETTER = {"canary": "C", "baseline": "B"}


def arm_line(arm: Arm | None, role: str, *, label: str = "") -> Line:
    """``C rev 42  rs 7f9c8d  3/3  9f3c…a1  web:8.4.2``."""
    letter = label or LETTER[role]
    line = Line(f"{letter} ", _ROLE[role])
    if arm is None:
        return line.add("none", "dim")
    line.add(rev(arm.revision), _ROLE[role])
    up = "ok" if arm.ready >= arm.desired else "warn"
    line.add("  ").add(f"{arm.ready}/{arm.desired} up", up)
    restarts = sum(pod.restarts for pod in arm.pods)
    if restarts:
        line.add(f" {glyphs.RESTART}{restarts}", "warn")
    if arm.images:
        image = arm.images[0]
        line.add("  ").add(short_digest(image.digest), "text" if image.digest else "unknown")
        line.add(f"  {image_name(image.image)}", "dim")
        if len(arm.images) > 1:
            line.add(f" +{len(arm.images) - 1}", "dim")
    return line


def brief(rollout: Rollout) -> Line:
    """``C 3/3 ↻2   B 9/9 ↻0``."""
    line = Line()
    for role, arm in (("canary", rollout.canary), ("baseline", rollout.baseline or rollout.before)):
        if line.width:
            line.add("   ")
        line.add(f"{LETTER[role]} ", _ROLE[role])
        if arm is None:
            line.add("none", "dim")
            continue
        line.add(f"{arm.ready}/{arm.desired}", "ok" if arm.ready >= arm.desired else "warn")
        restarts = sum(pod.restarts for pod in arm.pods)
        line.add(f" {glyphs.RESTART}{restarts}", "warn" if restarts else "dim")
    return line


def pod_piece(pod: Pod, prefix: str) -> Line:
    """One pod by its own part of the name, with what is wrong."""
    name = pod.name.removeprefix(prefix).lstrip("-") or pod.name
    if pod.terminating:
        return Line("– ", "dim").add(name, "dim")
    if pod.ready:
        line = Line(f"{glyphs.OK} ", "ok").add(name, "text")
    elif pod.reason and pod.reason not in {"ContainerCreating", "PodInitializing"}:
        line = Line(f"{glyphs.BAD} ", "bad").add(name, "text")
    else:
        line = Line(f"{glyphs.MOVING} ", "info").add(name, "text")
    if pod.restarts:
        line.add(f" {glyphs.RESTART}{pod.restarts}", "warn")
    return line


def arm_pods(arm: Arm | None, width: int, rows: int, message: str = "") -> list[Line]:
    """Pods of one arm in ``rows`` lines: the troubled first, each with its reason; the rest counted.

    ``message`` is what the controller says when pods are wanted and there are none.
    """
    if arm is None or not arm.pods:
        wanted = arm is not None and arm.desired > 0
        if not wanted or not message:
            return [Line("no pods", "bad" if wanted else "dim")]
        return [Line("no pods: ", "bad").add(message, "text").cut(width)]
    prefix = arm.replicaset or ""
    troubled = [pod for pod in arm.pods if not pod.ready and not pod.terminating]
    lines: list[Line] = []
    reasons: dict[str, list[Pod]] = {}
    for pod in troubled:
        reasons.setdefault(pod.reason or pod.phase, []).append(pod)
    for reason, pods in list(reasons.items())[: max(1, rows - 1)]:
        piece = pod_piece(pods[0], prefix)
        if len(pods) > 1:
            piece = (
                Line(f"{len(pods)} pods", "text")
                if reason == "Running"
                else Line(f"{glyphs.BAD} {len(pods)} pods", "bad")
            )
        lines.append(piece.add(f"  {reason}", "bad").add(why(pods[0]), "text").cut(width))
    up = [pod for pod in arm.pods if pod.ready or pod.terminating]
    line = Line()
    for index, pod in enumerate(up):
        piece = pod_piece(pod, prefix)
        rest = len(up) - index
        if line.width + piece.width + 3 + (len(f"+{rest} more") if rest > 1 else 0) > width:
            if len(lines) + 1 < rows:
                lines.append(line)
                line = Line()
            else:
                line.add(f"+{rest} more", "dim")
                break
        line.extend(piece).add("   ")
    if line.width:
        lines.append(line)
    return lines[:rows]


def why(pod: Pod) -> str:
    """What a pod and its last instance said, after the reason."""
    text = f": {pod.message}" if pod.message else ""
    if pod.last_exit is not None:
        code = f" ({pod.last_exit.code})" if pod.last_exit.code is not None else ""
        text = f" · last exit {pod.last_exit.reason}{code}{text}"
    return text


def pod_table(rollout: Rollout, now: float, width: int) -> list[Line]:
    """Every pod of both arms, one line each: for the full-screen pane."""
    lines: list[Line] = []
    arms = (("canary", rollout.canary, ""), ("baseline", rollout.baseline, ""), ("baseline", rollout.before, "before"))
    for role, arm, label in arms:
        if arm is None:
            continue
        lines.append(arm_line(arm, role, label=label))
        for pod in sorted(arm.pods, key=lambda item: (item.ready, item.name)):
            line = Line("  ").extend(pod_piece(pod, arm.replicaset or ""))
            line.to(min(34, width // 3)).add(" ").add(pod.phase, "dim", 10).add(" ")
            line.add(age(now - pod.created_at) if pod.created_at is not None else "?", "dim", 6, "right").add("  ")
            line.add(short_digest(pod.digest), "text" if pod.digest else "unknown", 10)
            if pod.node:
                line.add(f" {pod.node}", "dim")
            if pod.reason:
                line.add(f"  {pod.reason}", "bad" if not pod.ready else "warn").add(why(pod), "text")
            elif pod.last_exit is not None:
                line.add(why(pod), "warn")
            lines.append(line.cut(width))
        lines.append(Line())
    return lines or [Line("no pods are known", "unknown")]
