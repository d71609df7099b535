"""Is the cluster there, who are we to it, how far apart are the clocks, which kinds exist, and what may we do?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from email.utils import parsedate_to_datetime

from cockpit.base.clock import Clock
from cockpit.base.errors import ApiError, CockpitError, Unreachable
from cockpit.base.text import clean
from cockpit.cluster.api import Api
from cockpit.cluster.credentials import Credentials, load
from cockpit.cluster.rights import Rights
from cockpit.cluster.transport import Transport
from cockpit.config import Settings
from cockpit.doctor.finding import Finding, State
from cockpit.doctor.rbac import CHECKS, READ, SECRETS, WRITE, Rule, rights_of
from cockpit.model.resource import DEPLOYMENTS, ROLLOUTS, SERVICES, Resource
from cockpit.model.right import Right
from cockpit.net.redact import redact

SKEW_WARN = 5.0
"""Seconds between this machine and the cluster; ages shown follow the cluster, so a skew is a warning, not a fault."""
SLOW = 1.0
_BLOCKED = ("api", "identity", "clock", "kinds", "read", "checks", "write")


async def check_cluster(settings: Settings, clock: Clock) -> list[Finding]:
    """All findings about the cluster; what cannot be looked at because something before it failed is ``unknown``."""
    try:
        credentials = await load(settings.cluster, clock)
    except CockpitError as error:
        hint = "check --kubeconfig and --context, or KUBECONFIG; `kubectl config get-contexts` lists them"
        return [_of("kubeconfig", error, hint), *_blocked(_BLOCKED, "kubeconfig")]
    found = [Finding("kubeconfig", "ok", f"context {credentials.context}, user {credentials.user}")]
    transport = Transport(credentials, clock)
    api = Api(transport)
    rights = Rights(api, clock)
    try:
        reached, skew = await _reach(api, transport, credentials, clock)
        found.append(reached)
        if reached.state not in ("ok", "warn"):
            return [*found, *_blocked(_BLOCKED[1:], "api")]
        found += [await _identity(rights, credentials, settings), skew, *await _kinds(transport, settings, credentials)]
        found += await _rights(rights, settings, credentials)
        if settings.prometheus.service is not None:
            found.append(await _proxy(rights, settings.prometheus.service))
        return found
    finally:
        await rights.aclose()
        await transport.aclose()


async def _reach(api: Api, transport: Transport, credentials: Credentials, clock: Clock) -> tuple[Finding, Finding]:
    """``api`` (version, latency of a second request on the open connection) and ``clock`` (skew)."""
    hint = f"check the network path to {credentials.server} and that the credentials are still good"
    unknown = Finding("clock", "unknown", "not looked at: no answer from the API server")
    try:
        version = await api.version()
        began, local = clock.wall(), clock.local()
        response = await transport.request("lists", "GET", "/version")
        took = clock.wall() - began
    except CockpitError as error:
        return _of("api", error, hint), unknown
    name = clean(str(version.get("gitVersion") or "of unknown version"), 60)
    slow = took > SLOW
    reached = Finding(
        "api",
        "warn" if slow else "ok",
        f"{credentials.server} is Kubernetes {name}, answers in {took * 1000:.0f} ms",
        "every action will feel this slow; is there a proxy or VPN in between?" if slow else "",
    )
    return reached, skew_finding(response.headers.get("date"), local, scale=clock.time_scale)


def skew_finding(date: str | None, local: float, *, scale: float = 1.0) -> Finding:
    """Compare a Date header (whole seconds) with this machine's unix time."""
    try:
        served = parsedate_to_datetime(date or "").timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return Finding("clock", "unknown", "the API server sends no Date", "ages are counted by this machine's clock")
    if scale != 1:
        return Finding("clock", "off", f"the cluster's time runs {scale:g} times as fast (embedded world)")
    skew = local - served - 0.5  # the header is cut to whole seconds
    if abs(skew) <= SKEW_WARN:
        return Finding("clock", "ok", "within 5 s of the cluster's")
    ahead = "ahead of" if skew > 0 else "behind"
    hint = "shown ages follow the cluster; set this machine's clock for honest journal times"
    return Finding("clock", "warn", f"{abs(skew):.0f} s {ahead} the cluster's", hint)


async def _identity(rights: Rights, credentials: Credentials, settings: Settings) -> Finding:
    name = await rights.who()
    mode = ", read-only" if settings.read_only else ""
    if name is None:
        return Finding("identity", "ok", f"{credentials.user} by the kubeconfig; the server does not say{mode}")
    return Finding("identity", "ok", f"{name}{mode}")


async def _kinds(transport: Transport, settings: Settings, credentials: Credentials) -> list[Finding]:
    own = (credentials.namespace,) if credentials.namespace else ()
    scopes: Sequence[str | None] = settings.cluster.namespaces or (None, *own)
    return [
        await _kind(transport, ROLLOUTS, scopes, "install Argo Rollouts; until then only Deployments are shown"),
        await _kind(transport, DEPLOYMENTS, scopes, "this is no ordinary Kubernetes API server"),
    ]


async def _kind(transport: Transport, resource: Resource, scopes: Sequence[str | None], absent: str) -> Finding:
    """List one object in the first scope that allows it."""
    name = f"kind {resource.kind}"
    for scope in scopes:
        try:
            await transport.request("lists", "GET", resource.path(scope), query={"limit": 1})
        except ApiError as error:
            if error.status == 404:
                return Finding(name, "warn", "the server does not know it", absent)
            if error.status in (401, 403):
                continue
            return _of(name, error, "")
        except CockpitError as error:
            return _of(name, error, "")
        return Finding(name, "ok", f"can be listed in {f'namespace {scope}' if scope else 'all namespaces'}")
    return Finding(name, "bad", "may not be listed", "`cockpit rbac` prints the rights that are needed")


async def _rights(rights: Rights, settings: Settings, credentials: Credentials) -> list[Finding]:
    """One finding for reading and one for writing per scope (each named namespace, otherwise all of them)."""
    scopes: Sequence[str] = settings.cluster.namespaces or ("",)
    found = []
    for scope in scopes:
        where = f"in {scope}" if scope else "in all namespaces"
        lacking = await _lacking(rights, READ, scope)
        if lacking and not scope:
            there = await _lacking(rights, READ, credentials.namespace or "default")
            if len(there) < len(lacking):
                where, lacking = f"in {credentials.namespace or 'default'} only", there
        hint = "`cockpit rbac` prints the rights that are needed"
        found.append(_missing("read", where, lacking, "bad", hint))
        checks = await _lacking(rights, (*CHECKS, *(() if settings.read_only else SECRETS)), scope)
        hint = "what a check of a rollback may not ask is unknown and takes the typed name; `cockpit rbac` prints them"
        found.append(_missing("checks", where, checks, "warn", hint))
        if settings.read_only:
            found.append(Finding("write", "off", f"{where}: read-only mode"))
            continue
        hint = "`cockpit rbac --operator` prints them; without them the keys say why they do nothing"
        found.append(_missing("write", where, await _lacking(rights, WRITE, scope), "warn", hint))
    return found


async def _proxy(rights: Rights, service: str) -> Finding:
    """Whether Prometheus may be asked through the API server."""
    namespace, _, name = service.partition("/")
    right = Right("get", SERVICES, "proxy", name)
    answer, reason = await rights.check(right, namespace)
    if answer == "allowed":
        return Finding("service proxy", "ok", f"in {namespace}: you may {right}")
    hint = "`cockpit rbac` prints the Role for it; without it every SLI says it is unknown"
    return Finding("service proxy", "bad" if answer == "denied" else "unknown", reason, hint)


async def _lacking(rights: Rights, rules: Sequence[Rule], scope: str) -> list[tuple[str, str]]:
    """(right, what it is for) of what the server does not allow; what it cannot tell counts as lacking, and says so."""
    wanted = [(right, rule) for rule in rules for right in rights_of(rule) if not (scope and rule.cluster_only)]
    answers = await asyncio.gather(*(rights.check(right, scope) for right, _ in wanted))
    return [
        (f"{right}{'' if answer == 'denied' else ' (unknown)'}", rule.why)
        for (right, rule), (answer, _) in zip(wanted, answers, strict=True)
        if answer != "allowed"
    ]


def _missing(name: str, where: str, lacking: list[tuple[str, str]], state: State, hint: str) -> Finding:
    if not lacking:
        return Finding(name, "ok", f"{where}: everything")
    return Finding(name, state, f"{where}: you may not {', '.join(right for right, _ in lacking)}", hint)


def _of(name: str, error: CockpitError, hint: str) -> Finding:
    state: State = "unreachable" if isinstance(error, Unreachable) else "bad"
    return Finding(name, state, redact(clean(str(error), 400)), hint)


def _blocked(names: Sequence[str], by: str) -> list[Finding]:
    return [Finding(name, "unknown", f"not looked at: {by} failed") for name in names]
