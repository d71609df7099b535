"""Flags that every command takes, before or after its name, and how they become settings."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cockpit.config import Settings, load_settings


class Format(StrEnum):
    text = "text"
    json = "json"


@dataclasses.dataclass(frozen=True)
class Options:
    """The shared flags as given; None where a flag was not given."""

    config: Path | None = None
    kubeconfig: str | None = None
    context: str | None = None
    namespace: str | None = None
    read_only: bool | None = None
    output: Format | None = None
    subcommand: str | None = None
    """The command that follows, None for the last one on the line."""

    @property
    def json(self) -> bool:
        return self.output is Format.json

    def settings(self, **overrides: Any) -> Settings:
        """Config file, variables and flags as one ``Settings``; ``overrides`` by dotted name with ``__`` for the dot.

        Raises ConfigError.
        """
        values: dict[str, Any] = {
            "cluster.kubeconfig": self.kubeconfig,
            "cluster.context": self.context,
            "cluster.namespaces": (self.namespace,) if self.namespace else None,
            "read_only": self.read_only or None,  # the flag can only add safety: a file that says read-only stays so
        }
        values |= {name.replace("__", "."): value for name, value in overrides.items()}
        return load_settings(self.config, values)


_FLAGS: dict[str, tuple[Any, tuple[str, ...], dict[str, Any]]] = {
    "config": (
        Path | None,
        ("--config",),
        {"help": "Settings file (TOML).", "metavar": "FILE", "envvar": "COCKPIT_CONFIG"},
    ),
    "kubeconfig": (
        str | None,
        ("--kubeconfig",),
        {"help": "kubeconfig to use instead of kubectl's.", "metavar": "FILE", "envvar": "COCKPIT_KUBECONFIG"},
    ),
    "context": (
        str | None,
        ("--context",),
        {"help": "Context of the kubeconfig.", "metavar": "NAME", "envvar": "COCKPIT_CONTEXT"},
    ),
    "namespace": (
        str | None,
        ("--namespace", "-n"),
        {"help": "Only this namespace.", "metavar": "NS", "envvar": "COCKPIT_NAMESPACE"},
    ),
    "read_only": (
        bool | None,
        ("--read-only",),
        {"help": "Never change anything.", "envvar": "COCKPIT_READ_ONLY"},
    ),
    "output": (
        Format | None,
        ("-o", "--output"),
        {"help": "text or json.", "envvar": "COCKPIT_OUTPUT"},
    ),
}


def _parameters(*, variables: bool) -> list[inspect.Parameter]:
    """Keyword parameters for the shared flags.

    Only the flags before the command read the variables: otherwise a variable, read again after the command, would
    override a flag given before it.
    """
    parameters = []
    for name, (kind, spellings, extra) in _FLAGS.items():
        details = dict(extra)
        variable = details.pop("envvar")
        if variables:
            details["envvar"] = variable
        annotation: Any = Annotated[kind, typer.Option(*spellings, **details)]
        parameters.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation))
    return parameters


def shared(function: Callable[..., int | None], *, variables: bool = False) -> Callable[..., int | None]:
    """Give a command the shared flags. Its first parameter must be ``options: Options``; it receives them merged.

    A flag after the command wins over the same flag before it.
    """
    signature = inspect.signature(function, eval_str=True)
    own = list(signature.parameters.values())[1:]
    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    flags = _parameters(variables=variables)

    def command(ctx: typer.Context, **given: Any) -> int | None:
        before = ctx.obj if isinstance(ctx.obj, Options) else Options()
        here = {name: value for name in _FLAGS if (value := given.pop(name)) is not None}
        ctx.obj = dataclasses.replace(before, **here, subcommand=ctx.invoked_subcommand)
        return function(ctx.obj, **given)

    own = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    full = signature.replace(parameters=[context, *own, *flags], return_annotation=inspect.Signature.empty)
    command.__signature__ = full  # type: ignore[attr-defined]
    command.__annotations__ = {name: parameter.annotation for name, parameter in full.parameters.items()}
    command.__name__ = function.__name__
    command.__doc__ = function.__doc__
    return command
