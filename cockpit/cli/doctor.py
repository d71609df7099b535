"""``cockpit doctor``, ``cockpit rbac``, ``cockpit config check``: what is reachable, allowed, fitting."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import typer

from cockpit.base.errors import ExitCode
from cockpit.base.secrets import hide
from cockpit.cli.options import Options, shared
from cockpit.cli.output import complain, dumps, say, width
from cockpit.cli.text import wrapped

_MARK = {"ok": "*", "warn": "!", "bad": "x", "unreachable": "x", "unknown": "?", "off": "-"}
_EXIT = {"bad": ExitCode.REFUSED, "unreachable": ExitCode.UNKNOWN, "unknown": ExitCode.UNKNOWN}


def _doctor(options: Options) -> int:
    """Check what is reachable, allowed and fitting here."""
    from cockpit.doctor.examine import examine
    from cockpit.doctor.finding import worst

    findings = asyncio.run(examine(options.settings()))
    if options.json:
        say(dumps([msgspec.to_builtins(finding) for finding in findings]))
    else:
        for finding in findings:
            say("\n".join(wrapped(f"{_MARK[finding.state]} {finding.name}", finding.detail, width())))
            if finding.hint and finding.state != "ok":
                say("\n".join(wrapped("", f"-> {finding.hint}", width())))
    return int(_EXIT.get(worst(findings), ExitCode.DONE))


def _rbac(
    options: Options,
    operator: Annotated[bool, typer.Option("--operator", help="Add the rights that the verbs need.")] = False,
) -> int:
    """Print the rights needed, as YAML for kubectl apply.

    A ClusterRole, or a Role with --namespace; one more Role where the settings name a Service as prometheus.service.
    """
    from cockpit.doctor.rbac import manifest

    service = options.settings().prometheus.service
    say(manifest(operator=operator, namespace=options.namespace, service=service))
    return int(ExitCode.DONE)


def _check(options: Options) -> int:
    """Read the settings and print what is in force.

    A file, or a part of one, that cannot be used is an error naming the key, exit code 2.
    """
    from cockpit.actions.preflight import policy
    from cockpit.doctor.local import unusable
    from cockpit.metrics.presets import load_preset

    settings = options.settings()
    load_preset(settings.prometheus.preset, settings.source.parent / "presets" if settings.source else None)
    values = hide(settings.model_dump(mode="json"))
    say(dumps(values) if options.json else "\n".join(_flat("", values)))
    faults = [*unusable(settings), *filter(None, [policy.fault(settings.preflight.severity)])]
    for fault in faults:
        complain(fault)
    return int(ExitCode.USAGE if faults else ExitCode.DONE)


def _flat(prefix: str, values: dict[str, Any]) -> Iterator[str]:
    """``section.key = value``, values as JSON."""
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name} = {dumps(value, indent=None)}"


def add_to(app: typer.Typer) -> None:
    app.command("doctor")(shared(_doctor))
    app.command("rbac")(shared(_rbac))
    config = typer.Typer(help="The settings.", rich_markup_mode=None, no_args_is_help=True)
    config.command("check")(shared(_check))
    app.add_typer(config, name="config")
