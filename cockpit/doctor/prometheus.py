"""Is Prometheus there, and does it hold the series that the settings ask for? One-shot, in a thread, timed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from cockpit.base.text import clean
from cockpit.config import PrometheusSettings
from cockpit.doctor.finding import Finding
from cockpit.net.redact import redact

_MOST_METRICS = 50_000

Discover = Callable[[PrometheusSettings], Sequence[str]]


def metric_names(settings: PrometheusSettings) -> list[str]:
    """All metric names the server knows. Blocking. Raises what prometheus-api-client and requests raise."""
    # Lazily, and only here: this client knows no cancellation, so it stays off the live path.
    from prometheus_api_client import PrometheusConnect
    from requests import Session
    from urllib3.util.retry import Retry

    session = Session()
    session.trust_env = True
    if settings.ca_file is not None:
        session.verify = str(settings.ca_file)
    if settings.cert_file is not None:
        pair = (str(settings.cert_file), str(settings.key_file)) if settings.key_file else str(settings.cert_file)
        session.cert = pair
    headers: dict[str, str] = {}
    auth: tuple[str, str] | None = None
    if settings.auth == "bearer" and settings.token_file is not None:
        headers["Authorization"] = f"Bearer {settings.token_file.read_text(encoding='utf-8').strip()}"
    if settings.auth == "basic" and settings.password_file is not None:
        auth = (settings.username or "", settings.password_file.read_text(encoding="utf-8").strip())
    if settings.tenant_header and settings.tenant:
        headers[settings.tenant_header] = settings.tenant
    client: Any = PrometheusConnect(
        url=(settings.url or "").rstrip("/"),
        headers=headers or None,
        auth=auth,
        retry=Retry(0),
        timeout=settings.timeout,
        session=session,
    )
    try:
        return list(client.all_metrics())[:_MOST_METRICS]
    finally:
        client.close()


async def check_prometheus(
    settings: PrometheusSettings, wanted: Sequence[str], discover: Discover = metric_names
) -> list[Finding]:
    """Findings ``prometheus`` (does it answer) and ``metrics`` (are the preset's series there)."""
    if settings.service is not None:
        # Its client knows no proxy of Kubernetes: that it answers shows in the findings about presets.
        return [Finding("prometheus", "ok", f"asked as service {settings.service} through the Kubernetes API")]
    if settings.url is None:
        hint = "set [prometheus] url; until then every SLI says it is unknown"
        return [Finding("prometheus", "off", "no url is configured", hint)]
    where = redact(settings.url)
    hint = "check [prometheus] url, its credentials and the network path"
    try:
        names = await asyncio.wait_for(asyncio.to_thread(discover, settings), settings.timeout + 2)
    except TimeoutError:
        return [Finding("prometheus", "unreachable", f"{where} did not answer in {settings.timeout:g} s", hint)]
    except Exception as error:  # whatever the library raises is one finding
        return [Finding("prometheus", "unreachable", f"{where}: {redact(clean(str(error), 300))}", hint)]
    found = Finding("prometheus", "ok", f"{where} answers and knows {len(names)} metrics")
    missing = [name for name in wanted if name not in set(names)]
    if not wanted:
        return [found]
    if missing:
        hint = f"preset {settings.preset!r} needs them; choose another [prometheus] preset or export them"
        return [found, Finding("metrics", "warn", f"not there: {', '.join(missing)}", hint)]
    return [found, Finding("metrics", "ok", f"all {len(wanted)} series of preset {settings.preset!r} are there")]
