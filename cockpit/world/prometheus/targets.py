"""Scrape targets: discovery for any Prometheus by http_sd, the texts they expose, and their health."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from cockpit.world.prometheus.state import memory, state_rows
from cockpit.world.traffic import exposition as text
from cockpit.world.traffic.counters import cell_number, cell_time
from cockpit.world.traffic.ledger import Traffic
from cockpit.world.traffic.pods import Pod

POD_JOB, NODE_JOB, KSM_JOB = "pods", "kubelet", "kube-state-metrics"
KSM_INSTANCE = "kube-state-metrics.monitoring.svc:8080"
NODE_PATH = "/metrics/cadvisor"
SD_PATH = "/sd"
SCRAPE_PATH = "/scrape"
_PORT = 8080


def pod_labels(pod: Pod) -> dict[str, str]:
    """Target labels of a pod, beside what its own text says."""
    return {
        "job": POD_JOB,
        "instance": f"{pod.ip or pod.name}:{_PORT}",
        "namespace": pod.namespace,
        "pod": pod.name,
        "container": pod.container,
    }


def node_labels(node: str) -> dict[str, str]:
    return {"job": NODE_JOB, "instance": node, "metrics_path": NODE_PATH}


def targets(traffic: Traffic) -> Iterable[tuple[str, dict[str, str], Pod | None]]:
    """(path on the scrape server, target labels, pod) of everything that is there to be scraped."""
    nodes = set()
    for pod in traffic.fleet.alive():
        if pod.instances and text.discovered(pod):
            yield f"{SCRAPE_PATH}/pods/{quote(pod.namespace)}/{quote(pod.name)}", pod_labels(pod), pod
        if pod.node:
            nodes.add(pod.node)
    for node in sorted(nodes):
        yield f"{SCRAPE_PATH}/nodes/{quote(node)}", node_labels(node), None
    yield f"{SCRAPE_PATH}/state", {"job": KSM_JOB, "instance": KSM_INSTANCE}, None


def discovery(traffic: Traffic, address: str) -> list[dict[str, Any]]:
    """The answer of http_sd: one group per target, with ``__metrics_path__``."""
    return [
        {"targets": [address], "labels": {"__metrics_path__": path, **labels}} for path, labels, _ in targets(traffic)
    ]


def node_text(traffic: Traffic, node: str, *, openmetrics: bool) -> str | None:
    """What the kubelet of ``node`` tells of its running containers; None: no such node."""
    now = traffic.now_ms()
    pods = [pod for pod in traffic.fleet.alive() if pod.node == node]
    if not pods:
        return None
    running = [pod for pod in pods if pod.running()]
    cpu: list[text.Sample] = []
    used: list[text.Sample] = []
    for pod in running:
        labels = (("namespace", pod.namespace), ("pod", pod.name), ("container", pod.container))
        moment = cell_time(pod, cell_number(pod, now))  # the kubelet tells what it last measured
        instance = pod.instances[-1]
        if moment <= instance.started:
            continue
        track = traffic.track(pod)
        track.advance(now)
        cpu.append((text.CPU.name, labels, track.floats[-1] if track.floats else 0.0))
        used.append((text.MEMORY.name, labels, memory(pod, moment)))
    return text.render([(text.CPU, cpu), (text.MEMORY, used)], openmetrics=openmetrics)


def state_text(traffic: Traffic, *, openmetrics: bool) -> str:
    """What kube-state-metrics tells of every pod."""
    now = traffic.now_ms()
    samples: dict[str, list[text.Sample]] = defaultdict(list)
    families = (text.LIMITS, text.READY, text.RESTARTS, text.TERMINATED, text.POD_LABELS)
    for pod in traffic.fleet.alive():
        for family in families:
            for extra, value in state_rows(pod, family.name):
                labels = (("namespace", pod.namespace), ("pod", pod.name), *extra.items())
                samples[family.name].append((family.name, labels, value(now)))
    return text.render([(family, samples[family.name]) for family in families], openmetrics=openmetrics)


def active(traffic: Traffic, address: str) -> list[dict[str, Any]]:
    """``activeTargets`` of /api/v1/targets."""
    now = traffic.now_ms()
    rows = []
    for path, labels, pod in targets(traffic):
        scraped = now if pod is None else cell_time(pod, cell_number(pod, _last_scraped(pod, now)))
        error = _error(pod)
        rows.append(
            {
                "discoveredLabels": {
                    "__address__": address,
                    "__metrics_path__": path,
                    "__scheme__": "http",
                    "__scrape_interval__": "15s",
                    "__scrape_timeout__": "10s",
                    **labels,
                },
                "labels": labels,
                "scrapePool": labels["job"],
                "scrapeUrl": f"http://{address}{path}",
                "globalUrl": f"http://{address}{path}",
                "lastError": error,
                "lastScrape": scraped,
                "lastScrapeDuration": 0.0021,
                "health": "down" if error else "up",
                "scrapeInterval": "15s",
                "scrapeTimeout": "10s",
            }
        )
    return rows


def _last_scraped(pod: Pod, now: int) -> int:
    at, profile = pod.profiles[-1]
    return at if profile.scrape == "stalled" else now


def _error(pod: Pod | None) -> str:
    if pod is None:
        return ""
    if not pod.running():
        return f'Get "http://{pod.ip or pod.name}:{_PORT}/metrics": connect: connection refused'
    if not text.exports(pod):
        return "server returned HTTP status 404 Not Found"
    return ""
