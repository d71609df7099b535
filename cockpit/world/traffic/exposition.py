"""The text that a pod, a node and kube-state-metrics expose, in Prometheus' two text formats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from cockpit.world.traffic.pods import Pod
from cockpit.world.traffic.shape import CELLS, EDGE_TEXT, FIRST_ERROR, ORDERS_FAILED, ORDERS_OK, ROUTES

if TYPE_CHECKING:
    from cockpit.world.traffic.ledger import Traffic

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"

Pairs = tuple[tuple[str, str], ...]


class Family(NamedTuple):
    """One metric family. ``name`` is the name of its samples without a histogram's suffixes."""

    name: str
    type: Literal["counter", "gauge", "histogram"]
    help: str


REQUESTS = Family("http_requests_total", "counter", "HTTP requests answered, by route and status code.")
LATENCY = Family("http_request_duration_seconds", "histogram", "Time to answer a request.")
ORDERS = Family("orders_total", "counter", "Orders placed, by result.")
CPU = Family("container_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed.")
MEMORY = Family("container_memory_working_set_bytes", "gauge", "Current working set.")
LIMITS = Family("kube_pod_container_resource_limits", "gauge", "The requested limit of a resource of a container.")
READY = Family("kube_pod_status_ready", "gauge", "Whether the pod is ready to serve requests.")
RESTARTS = Family("kube_pod_container_status_restarts_total", "counter", "Restarts of a container.")
TERMINATED = Family(
    "kube_pod_container_status_last_terminated_reason", "gauge", "Why the container last was in terminated state."
)
POD_LABELS = Family("kube_pod_labels", "gauge", "Kubernetes labels of the pod.")
FAMILIES = (REQUESTS, LATENCY, ORDERS, CPU, MEMORY, LIMITS, READY, RESTARTS, TERMINATED, POD_LABELS)

CELL_LABELS: tuple[Pairs, ...] = tuple(
    (("method", ROUTES[route][0]), ("route", ROUTES[route][1]), ("code", code)) for route, code in CELLS
)
"""Labels of each request counter, in the order of ``shape.CELLS``."""

PRESENT_AT_ZERO = frozenset(range(3))
"""Cells that a fresh process exposes before the first request; the others appear with their first increment."""

Sample = tuple[str, Pairs, float]
Block = tuple[Family, Iterable[Sample]]


def pod_text(traffic: Traffic, pod: Pod, *, openmetrics: bool) -> str | None:
    """/metrics of one pod now; None when nothing listens there, which a scraper sees as a refused connection."""
    now = traffic.now_ms()
    if not pod.running():
        return None
    requests, latency = traffic.track(pod).at(now)[-1:], traffic.track(pod, latency=True).at(now)[-1:]
    if pod.profiles[-1][1].scrape == "silent":
        return render([], openmetrics=openmetrics)
    service = service_label(pod)
    cells = requests[0].cells if requests else [0] * (ORDERS_FAILED + 1)
    buckets = latency[0].buckets if latency else [0] * len(EDGE_TEXT)
    seconds = latency[0].seconds if latency else 0.0
    return render(
        [
            (REQUESTS, request_samples(cells, service)),
            (LATENCY, latency_samples(buckets, seconds, service, edges_of(pod))),
            (ORDERS, order_samples(cells, service)),
        ],
        openmetrics=openmetrics,
    )


def service_label(pod: Pod) -> str:
    return pod.workload.name if pod.workload else pod.labels.get("app", pod.name)


def request_samples(cells: Sequence[int], service: str) -> Iterable[Sample]:
    for index, labels in enumerate(CELL_LABELS):
        if cells[index] or index in PRESENT_AT_ZERO:
            yield REQUESTS.name, (("service", service), *labels), float(cells[index])


def latency_samples(buckets: Sequence[int], seconds: float, service: str, shown: Sequence[str]) -> Iterable[Sample]:
    for edge, count in zip(EDGE_TEXT, buckets, strict=True):
        if edge in shown:
            yield f"{LATENCY.name}_bucket", (("service", service), ("le", edge)), float(count)
    yield f"{LATENCY.name}_sum", (("service", service),), seconds
    yield f"{LATENCY.name}_count", (("service", service),), float(buckets[-1])


def order_samples(cells: Sequence[int], service: str) -> Iterable[Sample]:
    for index, result in ((ORDERS_OK, "ok"), (ORDERS_FAILED, "failed")):
        yield ORDERS.name, (("service", service), ("result", result)), float(cells[index])


def render(blocks: Iterable[Block], *, openmetrics: bool) -> str:
    """The exposition text. OpenMetrics names a counter's family without its suffix and ends with a mark."""
    lines: list[str] = []
    for family, samples in blocks:
        name = family.name.removesuffix("_total") if openmetrics and family.type == "counter" else family.name
        lines += (f"# HELP {name} {family.help}", f"# TYPE {name} {family.type}")
        for sample, labels, value in samples:
            inside = ",".join(f'{key}="{_escape(text)}"' for key, text in labels)
            lines.append(f"{sample}{{{inside}}} {number(value)}")
    if openmetrics:
        lines.append("# EOF")
    return "\n".join(lines) + "\n"


def number(value: float) -> str:
    """The shortest text that reads back as the same float."""
    return repr(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def error_count(traffic: Traffic, pod: Pod) -> int | None:
    """The errors that the pod's /metrics shows now, read from the very text; None where nothing is exposed."""
    text = pod_text(traffic, pod, openmetrics=False)
    if text is None or not pod.profiles[-1][1].seen:
        return None
    codes = {f'code="{code}"' for _, code in CELLS[FIRST_ERROR:]}
    return sum(
        int(line.rsplit(" ", 1)[1])
        for line in text.splitlines()
        if line.startswith(REQUESTS.name) and any(code in line for code in codes)
    )


def edges_of(pod: Pod) -> Sequence[str]:
    """``le`` of the latency buckets that its version exposes."""
    edges = pod.profiles[-1][1].edges
    return EDGE_TEXT if edges is None else edges


def exports(pod: Pod) -> bool:
    """Whether the version that the pod runs exports metrics at all."""
    return pod.profiles[-1][1].metrics


def discovered(pod: Pod) -> bool:
    """Whether any scrape configuration finds the pod."""
    return pod.profiles[-1][1].scrape != "undiscovered"
