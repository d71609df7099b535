"""``cockpit gitops``: suspend the auto-sync of a rollout's GitOps owner, journaled, and resume it as it was."""

from __future__ import annotations

from typing import Annotated

import typer

from cockpit.cli.look import RolloutArgument
from cockpit.cli.options import Options, shared
from cockpit.cli.verbs import Confirm, DryRun, Given, Reason, Yes, act

Choose = Annotated[
    str | None,
    typer.Option("--choose", metavar="KIND/NS/NAME", help="Which owner, where several own it."),
]


def _suspend(
    options: Options,
    rollout: RolloutArgument,
    reason: Reason = None,
    yes: Yes = False,
    confirm: Confirm = None,
    dry_run: DryRun = False,
    choose: Choose = None,
) -> int:
    """Keep the owner (Application, Kustomization, HelmRelease) from putting Git back, until it is resumed."""
    return act(options, rollout, "suspend", Given(reason, yes, confirm, dry_run, None, None, choice=choose))


def _resume(
    options: Options,
    rollout: RolloutArgument,
    reason: Reason = None,
    yes: Yes = False,
    confirm: Confirm = None,
    dry_run: DryRun = False,
    choose: Choose = None,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy", metavar="JSON", help="The automated sync policy, where the journal does not know what it was."
        ),
    ] = None,
) -> int:
    """Put back exactly what the owner did by itself before it was suspended."""
    given = Given(reason, yes, confirm, dry_run, None, None, to=policy, choice=choose)
    return act(options, rollout, "unsuspend", given)


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(
        help="Suspend and resume the GitOps owner of a rollout.", rich_markup_mode=None, no_args_is_help=True
    )
    for name, command in (("suspend", _suspend), ("resume", _resume)):
        group.command(name)(shared(command))
    app.add_typer(group, name="gitops")
