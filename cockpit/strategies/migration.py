"""Whether a Job or an init container looks like a schema migration (facts/registry-and-rollback.md 4.2, C17).

A guess by hooks, names, images and commands: what it finds is shown with its reason, what it does not proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cockpit.strategies.values import items, mapping, objects, text

_TOOLS = (
    ("flyway", r"flyway"),
    ("liquibase", r"liquibase"),
    ("alembic", r"alembic"),
    ("atlas", r"(?:^|/|\s)(?:ariga/)?atlas(?:\s|:|@|$)"),
    ("goose", r"(?:^|/|\s)goose(?:\s|:|@|$)"),
    ("golang-migrate", r"(?:^|/)migrate/migrate|golang-migrate"),
    ("prisma", r"prisma\s+(?:migrate|db\s+push)|prisma-migrate"),
    ("rails", r"(?:rails|rake)\s+db:(?:migrate|schema)"),
    ("django", r"manage\.py\s+migrate"),
    ("knex", r"knex\s+migrate"),
    ("sqitch", r"sqitch"),
    ("dbmate", r"dbmate"),
    ("EF bundle", r"efbundle|dotnet\s+ef\s+database"),
    ("migration", r"(?:^|[-_./\s])(?:db-?)?migrat(?:e|ion|ions|or)(?:[-_.:@\s]|$)"),
    ("schema change", r"(?:^|[-_.\s])schema(?:[-_.\s]|$)"),
)
_PATTERNS = tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in _TOOLS)
_HOOKS = {
    "helm.sh/hook": r"(?:pre|post)-(?:upgrade|install|rollback)",
    "argocd.argoproj.io/hook": r"(?:Pre|Post)?Sync\b",
}
_CHARACTERS = 4096


def like_migration(job: Mapping[str, Any]) -> str:
    """Why a Job looks like a migration, as ``flyway (helm.sh/hook pre-upgrade)``; "" when it does not."""
    metadata, template = mapping(job.get("metadata")), mapping(mapping(job.get("spec")).get("template"))
    spec = mapping(template.get("spec"))
    annotations = mapping(metadata.get("annotations"))
    said = ((name, text(annotations.get(name), 80), pattern) for name, pattern in _HOOKS.items())
    hook = next((f"{name} {value}" for name, value, pattern in said if re.search(pattern, value)), "")
    named = _tool(text(metadata.get("name"), 253))
    containers = (*objects(spec.get("initContainers")), *objects(spec.get("containers")))
    tool = next((each for container in containers if (each := tool_in(container))), named)
    if tool:
        return f"{tool} ({hook})" if hook else tool
    # A hook may do anything before or after a release; it ran with it, so it counts.
    return hook


def tool_in(container: Mapping[str, Any]) -> str:
    """The migration tool that a container runs, by its name, image, command and arguments; "" for none."""
    # A name says less than an image or a command: it is asked last.
    words = [container.get("image"), " ".join(_words(container)), container.get("name")]
    return next((found for word in words if isinstance(word, str) and (found := _tool(word[:_CHARACTERS]))), "")


def _words(container: Mapping[str, Any]) -> list[str]:
    return [str(each) for member in ("command", "args") for each in items(container.get(member))]


def _tool(words: str) -> str:
    return next((name for name, pattern in _PATTERNS if pattern.search(words)), "")
