"""A right a verb needs, and what the server said about it."""

from __future__ import annotations

from typing import Literal

import msgspec

from cockpit.model.resource import Resource

Answer = Literal["allowed", "denied", "unknown"]


class Right(msgspec.Struct, frozen=True):
    """``verb`` on ``resource`` (and subresource): for example patch rollouts/status. ``name``: of one object alone."""

    verb: str
    resource: Resource
    subresource: str | None = None
    name: str | None = None

    def __str__(self) -> str:
        group = f".{self.resource.group}" if self.resource.group else ""
        sub = f"/{self.subresource}" if self.subresource else ""
        one = f" {self.name}" if self.name else ""
        return f"{self.verb} {self.resource.plural}{sub}{group}{one}"
