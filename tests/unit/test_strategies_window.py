"""The rollback window: which returns run no step, by the controller's own rule (facts/argo-rollouts.md 1.5)."""

from __future__ import annotations

import pytest

from cockpit.strategies.argo.window import within


@pytest.mark.parametrize(
    ("created", "stable", "others", "revisions", "inside"),
    [
        (10.0, 20.0, (), 1, True),
        (10.0, 30.0, (20.0,), 1, False),
        (10.0, 30.0, (20.0,), 2, True),
        (10.0, 40.0, (20.0, 30.0), 2, False),
        (10.0, 30.0, (5.0, 35.0), 1, True),  # only what lies between the two counts
        (10.0, 30.0, (None,), 1, True),
        (20.0, 20.0, (), 5, False),
        (30.0, 20.0, (), 5, False),  # newer than the stable one: that is no way back
        (10.0, 20.0, (), 0, False),
        (None, 20.0, (), 5, False),
        (10.0, None, (), 5, False),
    ],
)
def test_who_is_inside_the_window(
    created: float | None, stable: float | None, others: tuple[float | None, ...], revisions: int, inside: bool
) -> None:
    known = (created, stable, *others)
    assert within(created, stable, known, revisions) is inside
