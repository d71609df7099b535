"""How the registry fails when a test or a demonstration asks it to: for all of it or for one repository."""

from __future__ import annotations

import msgspec


class Fault(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What requests meet. ``down``: the port is closed, connections are refused. The other fields: see each.

    Kubelets of the world are not affected: they pull as before, so that what a fault does to the cockpit is seen alone.
    """

    down: bool = False
    status: int | None = None  # answered instead of the truth; None: the truth
    text: str = ""  # body of that answer, or with status 200 in place of the true body
    content_type: str = "text/plain"
    headers: dict[str, str] = {}
    delay: float = 0.0  # wall seconds before any answer
    repository: str | None = None  # only requests about it; None: every request

    def concerns(self, path: str) -> bool:
        """Whether a request for ``path`` meets it."""
        return self.repository is None or path.startswith(f"/v2/{self.repository}/")
