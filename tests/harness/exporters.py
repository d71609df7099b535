"""What other systems' exporters put into Prometheus: their metric names and label sets, with counts that are known.

Labels follow each project's own documentation. Every system also exposes what must not be counted: traffic in the other
direction, another workload of the namespace, the same names in another namespace.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from cockpit.model.evidence import Counts
from cockpit.world.prometheus.labels import NAME, Labels, Selection, labels_of
from cockpit.world.prometheus.series import Series

STEP_MS = 15_000
NAMESPACE = "shop"
WORKLOAD = "web.v2"
"""A dot, so that a pattern that is not escaped matches the neighbour as well."""
NEIGHBOUR = "web-v2"
CANARY, STABLE = "c4n4r7", "5t4bl3"

Text = dict[str, str]


class Cell(NamedTuple):
    """One label combination of a request counter. ``error`` None: nobody's business."""

    labels: Text
    error: bool | None
    share: float = 1.0


class System(NamedTuple):
    """One way of exposing requests. ``identity`` names the labels that hold namespace and pod.

    ``unit`` is how many of the histogram's units a second has; ``edges`` are its ``le`` texts as exposed.
    """

    preset: str
    counter: str
    histogram: str | None
    cells: tuple[Cell, ...]
    target: Text
    identity: tuple[str, str] = ("namespace", "pod")
    unit: float = 1.0
    edges: tuple[str, ...] = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf")
    scraped_per_pod: bool = True
    seen: tuple[str, str] | None = None  # label of the histogram of requests that count


_MS = ("1", "2", "5", "10", "20", "50", "100", "200", "500", "1000", "2000", "5000", "+Inf")
_ISTIO = {
    "source_workload": "gateway",
    "source_workload_namespace": "edge",
    "source_app": "gateway",
    "source_version": "v1",
    "destination_workload": WORKLOAD,
    "destination_workload_namespace": NAMESPACE,
    "destination_app": "web",
    "destination_version": "v1",
    "destination_service": "web.shop.svc.cluster.local",
    "destination_service_name": "web",
    "destination_service_namespace": NAMESPACE,
    "destination_canonical_service": "web",
    "destination_canonical_revision": "v1",
    "connection_security_policy": "mutual_tls",
    "response_flags": "-",
}
_IN = {"reporter": "destination", **_ISTIO}
_OUT = {"reporter": "source", **_ISTIO, "source_workload": WORKLOAD, "destination_workload": "db"}
_LINKERD = {"tls": "true", "target_addr": "10.1.2.3:8080", "workload_ns": NAMESPACE, "deployment": "web"}
_APPMESH = {"envoy_cluster_name": "cds_ingress_acme_web_http_8080"}
_OSM = {
    "destination_kind": "Deployment",
    "destination_name": "web",
    "source_kind": "Deployment",
    "source_name": "gateway",
}
_COLLECTOR = {"job": "shop/web", "instance": "4f0a", "k8s_deployment_name": "web", "k8s_node_name": "node-1"}
_RPC = {"rpc_system": "grpc", "rpc_service": "shop.Cart", "rpc_method": "Get"}
_GRPC = {"grpc_type": "unary", "grpc_service": "shop.Cart", "grpc_method": "Get"}
_SPRING = {"application": "web", "exception": "None", "method": "GET", "uri": "/cart"}
_OTEL = {"http_request_method": "GET", "http_route": "/cart", "url_scheme": "http", "network_protocol_version": "1.1"}

SYSTEMS: tuple[System, ...] = (
    System(
        "istio",
        "istio_requests_total",
        "istio_request_duration_milliseconds",
        (
            Cell({**_IN, "request_protocol": "http", "response_code": "200", "grpc_response_status": ""}, False, 10),
            Cell({**_IN, "request_protocol": "http", "response_code": "404", "grpc_response_status": ""}, False),
            Cell({**_IN, "request_protocol": "http", "response_code": "503", "response_flags": "UF"}, True),
            Cell({**_IN, "request_protocol": "http", "response_code": "0", "response_flags": "DC"}, False),
            Cell({**_IN, "request_protocol": "grpc", "response_code": "200", "grpc_response_status": "0"}, False, 5),
            Cell({**_IN, "request_protocol": "grpc", "response_code": "200", "grpc_response_status": "14"}, True),
            Cell({**_IN, "request_protocol": "grpc", "response_code": "200", "grpc_response_status": "5"}, False),
            Cell({**_OUT, "request_protocol": "http", "response_code": "500"}, None, 3),
        ),
        {"job": "istio-system/envoy-stats-monitor", "container": "istio-proxy"},
        unit=1000.0,
        edges=("0.5", "1", "5", "10", "25", "50", "100", "250", "500", "1000", "2500", "5000", "10000", "+Inf"),
        seen=("reporter", "destination"),
    ),
    System(
        "linkerd",
        "response_total",
        "response_latency_ms",
        (
            Cell({"direction": "inbound", **_LINKERD, "status_code": "200", "classification": "success"}, False, 10),
            Cell({"direction": "inbound", **_LINKERD, "status_code": "500", "classification": "failure"}, True),
            Cell(
                {
                    "direction": "inbound",
                    **_LINKERD,
                    "status_code": "200",
                    "grpc_status": "13",
                    "classification": "failure",
                },
                True,
            ),
            Cell({"direction": "outbound", "dst_deployment": "db", "status_code": "500"}, None, 3),
        ),
        {"job": "linkerd-proxy", "control_plane_ns": "linkerd"},
        unit=1000.0,
        edges=_MS,
        seen=("direction", "inbound"),
    ),
    System(
        "appmesh",
        "envoy_cluster_upstream_rq",
        "envoy_cluster_upstream_rq_time",
        (
            Cell({**_APPMESH, "envoy_response_code": "200"}, False, 10),
            Cell({**_APPMESH, "envoy_response_code": "404"}, False),
            Cell({**_APPMESH, "envoy_response_code": "503"}, True),
            Cell({"envoy_cluster_name": "cds_egress_acme_db_tcp_5432", "envoy_response_code": "503"}, None, 3),
        ),
        {"job": "appmesh-envoy", "app": "web"},
        identity=("kubernetes_namespace", "kubernetes_pod_name"),
        unit=1000.0,
        edges=("0.5", "1", "5", "10", "25", "50", "100", "250", "500", "1000", "2500", "5000", "10000", "+Inf"),
        seen=("envoy_cluster_name", "cds_ingress_acme_web_http_8080"),
    ),
    System(
        "osm",
        "osm_request_total",
        "osm_request_duration_ms",
        (
            Cell({**_OSM, "response_code": "200"}, False, 10),
            Cell({**_OSM, "response_code": "404"}, False),
            Cell({**_OSM, "response_code": "503"}, True),
        ),
        {"job": "kubernetes-pods", "source_namespace": "edge"},
        identity=("destination_namespace", "destination_pod"),
        unit=1000.0,
        edges=_MS,
        scraped_per_pod=False,
    ),
    System(
        "http",
        "http_request_duration_seconds_count",
        "http_request_duration_seconds",
        (
            Cell({"method": "GET", "path": "root", "status": "200"}, False, 10),
            Cell({"method": "GET", "path": "root", "status": "404"}, False),
            Cell({"method": "GET", "path": "root", "status": "503"}, True),
        ),
        {"job": "kubernetes-pods", "app": "web"},
        identity=("kubernetes_namespace", "kubernetes_pod_name"),
    ),
    *(
        System(
            "http_requests_total",
            "http_requests_total",
            "http_request_duration_seconds",
            tuple(
                Cell({"handler": "/cart", status: code}, code[0] == "5", 10 if code == "200" else 1)
                for code in ("200", "404", "500", "503")
            ),
            {"job": "shop/web", "endpoint": "http", "service": "web", "container": "app"},
        )
        for status in ("code", "status", "status_code")
    ),
    System(
        "http_requests_native",
        "http_requests_total",
        None,  # the world exports no native histograms; tests/contract/test_native_histograms.py has a real Prometheus
        (
            Cell({"handler": "/cart", "code": "200"}, False, 10),
            Cell({"handler": "/cart", "code": "503"}, True),
        ),
        {"job": "shop/web", "endpoint": "http", "service": "web", "container": "app"},
    ),
    System(
        "otel-http",
        "http_server_request_duration_seconds_count",
        "http_server_request_duration_seconds",
        (
            Cell({**_OTEL, "http_response_status_code": "200"}, False, 10),
            Cell({**_OTEL, "http_response_status_code": "404", "error_type": "404"}, False),
            Cell({**_OTEL, "http_response_status_code": "500", "error_type": "500"}, True),
            Cell({**_OTEL, "error_type": "java.io.EOFException"}, True),
        ),
        _COLLECTOR,
        identity=("k8s_namespace_name", "k8s_pod_name"),
        edges=("0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1", "2.5", "5", "7.5", "+Inf"),
        scraped_per_pod=False,
    ),
    System(
        "otel-http-old",
        "http_server_duration_milliseconds_count",
        "http_server_duration_milliseconds",
        (
            Cell({"http_method": "GET", "http_scheme": "http", "http_status_code": "200"}, False, 10),
            Cell({"http_method": "GET", "http_scheme": "http", "http_status_code": "502"}, True),
        ),
        _COLLECTOR,
        identity=("k8s_namespace_name", "k8s_pod_name"),
        unit=1000.0,
        edges=("0", "5", "10", "25", "50", "75", "100", "250", "500", "750", "1000", "2500", "5000", "+Inf"),
        scraped_per_pod=False,
    ),
    System(
        "otel-rpc",
        "rpc_server_call_duration_seconds_count",
        "rpc_server_call_duration_seconds",
        (
            Cell({**_RPC, "rpc_response_status_code": "OK"}, False, 10),
            Cell({**_RPC, "rpc_response_status_code": "NOT_FOUND"}, False),
            Cell({**_RPC, "rpc_response_status_code": "UNAVAILABLE", "error_type": "UNAVAILABLE"}, True),
        ),
        _COLLECTOR,
        identity=("k8s_namespace_name", "k8s_pod_name"),
        scraped_per_pod=False,
    ),
    System(
        "otel-rpc-old",
        "rpc_server_duration_milliseconds_count",
        "rpc_server_duration_milliseconds",
        tuple(
            Cell({**_RPC, "rpc_grpc_status_code": code}, code in ("2", "4", "12", "13", "14", "15"), 10 * (code == "0"))
            for code in map(str, range(17))
        ),
        _COLLECTOR,
        identity=("k8s_namespace_name", "k8s_pod_name"),
        unit=1000.0,
        edges=_MS,
        scraped_per_pod=False,
    ),
    System(
        "grpc",
        "grpc_server_handled_total",
        "grpc_server_handling_seconds",
        (
            Cell({**_GRPC, "grpc_code": "OK"}, False, 10),
            Cell({**_GRPC, "grpc_code": "NotFound"}, False),
            Cell({**_GRPC, "grpc_code": "Canceled"}, False),
            Cell({**_GRPC, "grpc_code": "Unavailable"}, True),
            Cell({**_GRPC, "grpc_code": "DeadlineExceeded"}, True),
        ),
        {"job": "shop/web", "container": "app"},
    ),
    System(
        "grpc",
        "grpc_server_handled_total",
        None,  # Java's histogram has another name: latency is simply not known
        (
            Cell({**_GRPC, "code": "OK"}, False, 10),
            Cell({**_GRPC, "code": "INVALID_ARGUMENT"}, False),
            Cell({**_GRPC, "code": "INTERNAL"}, True),
        ),
        {"job": "shop/web", "container": "app"},
    ),
    System(
        "micrometer",
        "http_server_requests_seconds_count",
        "http_server_requests_seconds",
        (
            Cell({**_SPRING, "status": "200", "outcome": "SUCCESS"}, False, 10),
            Cell({**_SPRING, "status": "404", "outcome": "CLIENT_ERROR"}, False),
            Cell({**_SPRING, "status": "500", "outcome": "SERVER_ERROR", "exception": "NPE"}, True),
            Cell({**_SPRING, "status": "503", "outcome": "SERVER_ERROR", "exception": "None"}, True),
        ),
        {"job": "shop/web", "container": "app"},
        edges=("0.001", "0.005", "0.01", "0.05", "0.1", "0.5", "1.0", "5.0", "+Inf"),
    ),
)


def pods(hash_: str, count: int = 2, workload: str = WORKLOAD) -> tuple[str, ...]:
    return tuple(f"{workload}-{hash_}-{index:05x}" for index in range(count))


class Exporter:
    """Implements the source of the world's PromQL engine: ``system`` scraped every 15 s from ``start`` (seconds) on.

    Canary pods are born ``born`` seconds after it. Counters of requests grow by random whole numbers.
    """

    def __init__(self, system: System, start: float, seconds: float, *, born: float = 120.0, seed: int = 1) -> None:
        self.system = system
        self._rng = random.Random(f"{seed}/{system.preset}/{system.counter}")
        self._start, self._end, self._born = round(start * 1000), round((start + seconds) * 1000), round(born * 1000)
        self.series: list[Series] = []
        self.counted: dict[str, list[tuple[int, int, bool]]] = {CANARY: [], STABLE: []}
        """Hash -> (ms, requests, errors?) of each increment that a scrape showed."""
        for namespace, workload, ours in (
            (NAMESPACE, WORKLOAD, True),
            (NAMESPACE, NEIGHBOUR, False),
            ("x", WORKLOAD, False),
        ):
            for hash_ in (STABLE, CANARY):
                for pod in pods(hash_, workload=workload):
                    self._pod(namespace, pod, hash_, ours)

    def truth(self, hash_: str, start: float, end: float) -> Counts:
        """Requests of a version that scrapes in (start, end] added."""
        inside = [
            (count, error) for at, count, error in self.counted[hash_] if round(start * 1000) < at <= round(end * 1000)
        ]
        return Counts(sum(count for count, error in inside if error), sum(count for count, _ in inside))

    def select(self, selection: Selection, start: int, end: int) -> Iterator[Series | None]:
        for labels, stamps, values in self.series:
            if selection.test(labels):
                kept = [index for index, stamp in enumerate(stamps) if start <= stamp <= end]
                if kept:
                    yield Series(labels, [stamps[i] for i in kept], [values[i] for i in kept])
        yield None

    def label_sets(self, selection: Selection, start: int, end: int) -> Iterator[Labels | None]:
        return (series and series.labels for series in self.select(selection, start, end))

    def _pod(self, namespace: str, pod: str, hash_: str, ours: bool) -> None:
        system, rng = self.system, self._rng
        born = self._start + (self._born if hash_ == CANARY else 0)
        stamps = list(range(born + rng.randrange(100, STEP_MS), self._end + 1, STEP_MS))
        base = dict(zip(system.identity, (namespace, pod), strict=True))
        if system.scraped_per_pod:
            base["instance"] = f"10.0.{rng.randrange(256)}.{rng.randrange(256)}:8080"
            self._add("up", {**system.target, **base}, stamps, [1.0] * len(stamps))
        observed = [0] * len(stamps)
        for cell in system.cells:
            total, values = 0 if hash_ == CANARY else rng.randrange(1000, 9000), []
            for index, stamp in enumerate(stamps):
                grown = rng.randrange(0, max(2, round(6 * cell.share)))
                total += grown
                values.append(float(total))
                if cell.error is not None:
                    observed[index] += grown
                    if ours and grown:
                        self.counted[hash_].append((stamp, grown, cell.error))
            first = next((index for index, value in enumerate(values) if value), len(values))
            self._add(system.counter, {**system.target, **base, **cell.labels}, stamps[first:], values[first:])
        seen = dict([system.seen] if system.seen else [])
        self._histogram({**system.target, **base, **seen}, stamps, observed)

    def _histogram(self, labels: Text, stamps: list[int], observed: list[int]) -> None:
        """Everything took between 40 and 60 ms."""
        if self.system.histogram is None:
            return
        held = 0
        sums = []
        for count in observed:
            held += count
            sums.append(float(held))
        for edge in self.system.edges:
            above = edge == "+Inf" or float(edge) / self.system.unit >= 0.06
            values = sums if above else [0.0] * len(sums)
            self._add(f"{self.system.histogram}_bucket", {**labels, "le": edge}, stamps, values)

    def _add(self, name: str, labels: Text, stamps: list[int], values: list[float]) -> None:
        kept = {key: text for key, text in labels.items() if text}  # an empty label is no label
        self.series.append(Series(labels_of({NAME: name, **kept}), stamps, values))
