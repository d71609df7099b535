"""What ingresses and gateways put into Prometheus: series of a Service's traffic that name no pod of it.

Labels follow each project's own documentation. A router lives long: its counters for the canary's Service began with
releases before, so that only growth since this canary's start is this canary's. Everything a pattern that is too wide
would catch stands beside it: a Service whose name begins alike, another namespace, the router's own pods.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from cockpit.model.evidence import Counts
from cockpit.model.rollout import Role
from cockpit.world.prometheus.labels import NAME, Labels, Selection, labels_of
from cockpit.world.prometheus.series import Series

STEP_MS = 15_000
NAMESPACE, STABLE, CANARY = "shop", "web", "web-canary"
"""The Services of a Rollout "web", as the world (and most people) name them."""

Text = dict[str, str]


class Router(NamedTuple):
    """One way of exposing requests per Service. ``arms`` are labels of each version's series, ``others`` of strangers'.

    ``code`` is the label of the answer's status, ``codes`` its values: (value, whether it is an error).
    """

    preset: str
    counter: str
    histogram: str
    code: str
    codes: tuple[tuple[str, bool], ...]
    arms: dict[Role, Text]
    others: tuple[Text, ...]
    target: Text
    unit: float
    edges: tuple[str, ...]
    observed: tuple[tuple[str, str], ...] = ()  # labels that only the histogram has


_STATUS = (("200", False), ("404", False), ("500", True), ("503", True))
_NGINX: Text = {"ingress": "web", "host": "shop.acme.test", "path": "/", "method": "GET", "controller_class": "nginx"}
_APISIX: Text = {"matched_uri": "/*", "matched_host": "shop.acme.test", "service": "", "consumer": ""}
_NGINX_TARGET: Text = {"job": "ingress-nginx", "container": "controller", "controller_namespace": "ingress-nginx"}
_SECONDS = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf")
_MILLISECONDS = ("0.5", "1", "5", "10", "25", "50", "100", "250", "500", "1000", "2500", "5000", "10000", "+Inf")


def _nginx(prefix: str, namespace: Text) -> Router:
    """``prefix``: what the scrape puts before labels that clash with its own (honorLabels off)."""
    service, space = f"{prefix}service", f"{prefix}namespace"
    return Router(
        "nginx-ingress" if not prefix else "nginx-ingress-exported",
        "nginx_ingress_controller_requests",
        "nginx_ingress_controller_request_duration_seconds",
        "status",
        _STATUS,
        {
            "canary": {**_NGINX, service: STABLE, space: NAMESPACE, "canary": "shop-web-canary-80"},
            "baseline": {**_NGINX, service: STABLE, space: NAMESPACE, "canary": ""},
        },
        (
            {**_NGINX, "ingress": "web-admin", service: "web-admin", space: NAMESPACE, "canary": ""},
            {**_NGINX, service: STABLE, space: "other", "canary": ""},
            {**_NGINX, service: STABLE, space: "other", "canary": "other-web-canary-80"},
        ),
        {**_NGINX_TARGET, **namespace},
        1.0,
        _SECONDS,
    )


ROUTERS: tuple[Router, ...] = (
    _nginx("", {}),
    _nginx("exported_", {"namespace": "ingress-nginx", "service": "ingress-nginx-controller-metrics"}),
    Router(
        "traefik",
        "traefik_service_requests_total",
        "traefik_service_request_duration_seconds",
        "code",
        _STATUS,
        {
            "canary": {"service": "shop-web-canary-80@kubernetescrd", "method": "GET", "protocol": "http"},
            "baseline": {"service": "shop-web-80@kubernetescrd", "method": "GET", "protocol": "http"},
        },
        (
            {"service": "shop-web-admin-80@kubernetescrd", "method": "GET", "protocol": "http"},
            {"service": "other-web-80@kubernetescrd", "method": "GET", "protocol": "http"},
            {"service": "shop-web-wrr@kubernetescrd", "method": "GET", "protocol": "http"},
        ),
        {"job": "traefik", "namespace": "traefik", "container": "traefik"},
        1.0,
        ("0.1", "0.3", "1.2", "5", "+Inf"),
    ),
    Router(
        "contour",
        "envoy_cluster_upstream_rq",
        "envoy_cluster_upstream_rq_time",
        "envoy_response_code",
        _STATUS,
        {
            "canary": {"envoy_cluster_name": "shop_web-canary_80"},
            "baseline": {"envoy_cluster_name": "shop_web_80"},
        },
        (
            {"envoy_cluster_name": "shop_web-admin_80"},
            {"envoy_cluster_name": "other_web_80"},
            {"envoy_cluster_name": "service-stats"},
        ),
        {"job": "projectcontour/envoy", "namespace": "projectcontour", "container": "envoy"},
        1000.0,
        _MILLISECONDS,
    ),
    Router(
        "apisix",
        "apisix_http_status",
        "apisix_http_latency",
        "code",
        _STATUS,
        {
            "canary": {**_APISIX, "route": "shop_web-web-canary_rule1", "node": "10.1.0.9"},
            "baseline": {**_APISIX, "route": "shop_web_rule1", "node": "10.1.0.7"},
        },
        (
            {**_APISIX, "route": "shop_web-admin_rule1", "node": "10.1.0.8"},
            {**_APISIX, "route": "other_web_rule1", "node": "10.1.0.8"},
        ),
        {"job": "apisix", "namespace": "ingress-apisix", "container": "apisix"},
        1000.0,
        _MILLISECONDS,
        (("type", "request"),),
    ),
    Router(
        "skipper",
        "skipper_response_duration_seconds_count",
        "skipper_response_duration_seconds",
        "code",
        _STATUS,
        {
            "canary": {"route": "kube_shop__web__shop_acme_test____web_canary", "method": "GET"},
            "baseline": {"route": "kube_shop__web__shop_acme_test____web", "method": "GET"},
        },
        (
            {"route": "kube_shop__web_admin__shop_acme_test____web_admin", "method": "GET"},
            {"route": "kube_other__web__shop_acme_test____web_canary", "method": "GET"},
            {"route": "kube_shopping__web__shop_acme_test____web", "method": "GET"},
        ),
        {"job": "skipper-ingress", "namespace": "kube-system", "container": "skipper"},
        1.0,
        _SECONDS,
    ),
    Router(
        "knative",
        "envoy_cluster_upstream_rq",
        "envoy_cluster_upstream_rq_time",
        "envoy_response_code",
        _STATUS,
        {
            "canary": {"envoy_cluster_name": "shop/web-canary"},
            "baseline": {"envoy_cluster_name": "shop/web"},
        },
        (
            {"envoy_cluster_name": "shop/web-admin"},
            {"envoy_cluster_name": "other/web"},
            {"envoy_cluster_name": "service_stats"},
        ),
        {"job": "kourier", "namespace": "kourier-system", "container": "kourier-gateway"},
        1000.0,
        _MILLISECONDS,
    ),
    Router(
        "gateway-api",
        "envoy_cluster_upstream_rq_xx",
        "envoy_cluster_upstream_rq_time",
        "envoy_response_code_class",
        (("2", False), ("4", False), ("5", True)),
        {
            # One cluster per backend, as Envoy Gateway makes them when a backend has a filter; else they share one.
            "canary": {"envoy_cluster_name": "httproute/shop/web/rule/0/backend/1"},
            "baseline": {"envoy_cluster_name": "httproute/shop/web/rule/0/backend/0"},
        },
        (
            {"envoy_cluster_name": "httproute/shop/web-admin/rule/0/backend/0"},
            {"envoy_cluster_name": "httproute/other/web/rule/0/backend/1"},
        ),
        {"job": "envoy-gateway-system/proxies", "namespace": "envoy-gateway-system", "container": "envoy"},
        1000.0,
        _MILLISECONDS,
    ),
)


class Routed:
    """Implements the source of the world's PromQL engine: two replicas of ``router``, scraped every 15 s."""

    def __init__(self, router: Router, start: float, seconds: float, *, seed: int = 1) -> None:
        self.router = router
        self._rng = random.Random(f"{seed}/{router.preset}")
        self.series: list[Series] = []
        self.counted: dict[Role, list[tuple[int, int, bool]]] = {"canary": [], "baseline": []}
        for replica in range(2):
            target = {
                **router.target,
                "pod": f"{router.preset}-7d9c5b8f4-{replica:05x}",
                "instance": f"10.9.0.{replica + 1}:9100",
            }
            stamps = self._stamps(start, seconds)
            self._add("up", target, stamps, [1.0] * len(stamps))
            for role, labels in router.arms.items():
                self._service({**target, **labels}, stamps, role)
            for labels in router.others:
                self._service({**target, **labels}, stamps, None)

    def _stamps(self, start: float, seconds: float) -> list[int]:
        first = round(start * 1000) + self._rng.randrange(100, STEP_MS)
        return list(range(first, round((start + seconds) * 1000) + 1, STEP_MS))

    def _service(self, labels: Text, stamps: list[int], role: Role | None) -> None:
        observed = [0] * len(stamps)
        for code, error in self.router.codes:
            total, values = self._rng.randrange(500, 5000), []
            for index, stamp in enumerate(stamps):
                grown = self._rng.randrange(0, 4 if error else 30)
                total += grown
                observed[index] += grown
                values.append(float(total))
                if role is not None:
                    self.counted[role].append((stamp, grown, error))
            self._add(self.router.counter, {**labels, self.router.code: code}, stamps, values)
        held, sums = 5000.0, []
        for count in observed:
            held += count
            sums.append(held)
        shown = {**labels, **dict(self.router.observed)}
        for edge in self.router.edges:
            above = edge == "+Inf" or float(edge) / self.router.unit >= 0.06
            values = sums if above else [0.0] * len(sums)
            self._add(f"{self.router.histogram}_bucket", {**shown, "le": edge}, stamps, values)

    def _add(self, name: str, labels: Text, stamps: list[int], values: list[float]) -> None:
        kept = {key: text for key, text in labels.items() if text}
        self.series.append(Series(labels_of({NAME: name, **kept}), stamps, values))

    def truth(self, role: Role, start: float, end: float) -> Counts:
        """Requests of a version that scrapes in (start, end] added."""
        inside = [
            (count, error) for at, count, error in self.counted[role] if round(start * 1000) < at <= round(end * 1000)
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
