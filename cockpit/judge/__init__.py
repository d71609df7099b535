"""Evidence and verdict. Pure functions over values; imports model only."""

from cockpit.judge.evidence import fold
from cockpit.judge.verdict import judge

__all__ = ["fold", "judge"]
