"""VersionList: the versions a rollout can return to, one row each, the cursor's always in view."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cockpit.model.revision import Revision
from screens.draw.line import Line
from screens.parts.revisions import revision_row, revision_title
from screens.widgets.canvas import Canvas


class VersionList(Canvas):
    """``cursor`` counts from 0. Moving it draws nothing: what else depends on it is drawn with it."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._versions: Sequence[Revision] | None = None
        self.cursor = 0

    @property
    def selected(self) -> Revision | None:
        """The version under the cursor."""
        return self._versions[self.cursor] if self._versions else None

    def hold(self, versions: Sequence[Revision] | None) -> None:
        """``None``: they are still being read."""
        self._versions = versions
        self._clamp()

    def draw(self, now: float, asked: Callable[[str], bool], failure: str) -> None:
        """``asked``: whether registries have answered for a version, by hash. ``failure``: why there are none."""
        width, versions = self.size.width, self._versions
        lines = [revision_title(width)]
        if versions is None:
            lines.append(Line("   reading what is retained…", "info"))
        elif not versions:
            lines.append(Line(f"   {failure or 'no version is retained to return to'}", "unknown").cut(width))
        else:
            top = max(0, min(self.cursor - self._rows // 2, len(versions) - self._rows))  # neighbours on both sides
            chosen = self.selected
            lines += [
                revision_row(each, now, width, cursor=each is chosen, asked=asked(each.hash))
                for each in versions[top : top + self._rows]
            ]
        self.show(lines)

    @property
    def hidden(self) -> bool:
        """Whether there are more versions than rows."""
        return len(self._versions or ()) > self._rows

    @property
    def _rows(self) -> int:
        return max(1, self.size.height - 1)

    def _clamp(self) -> None:
        self.cursor = max(0, min(self.cursor, len(self._versions or ()) - 1))

    def move(self, rows: int) -> None:
        self.cursor += rows
        self._clamp()

    def edge(self, *, last: bool) -> None:
        self.cursor = len(self._versions or ()) if last else 0
        self._clamp()

    def page(self) -> int:
        return max(2, self._rows // 2)
