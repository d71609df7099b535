"""Random PromQL expressions over the world's metrics, from a grammar of everything that issue 2 lists."""

from __future__ import annotations

import random

COUNTERS = ("http_requests_total", "orders_total", "container_cpu_usage_seconds_total")
GAUGES = ("container_memory_working_set_bytes", "up", "kube_pod_status_ready", "kube_pod_container_resource_limits")
BUCKETS = "http_request_duration_seconds_bucket"
LABELS = ("pod", "code", "route", "namespace", "job", "le", "condition", "result", "service", "nothere")
MATCHERS = (
    'code="200"',
    'code!="200"',
    'code=~"5.."',
    'code!~"2..|404"',
    'pod=~"pay-canary2-.*"',
    'pod!~"pay-stable1.*"',
    'namespace="shop"',
    'nothere=""',
    'nothere!=""',
    'route=~".*items.*"',
    'condition=~"true|"',
    'job!=""',
    'method=~"GET|POST"',
    'service=~"(?i)PAY"',
)
RANGES = ("1m", "2m", "5m", "90s", "12m30s", "45s")
OVER_TIME = ("avg", "sum", "min", "max", "count", "stddev", "stdvar", "last", "present")
RATES = ("rate", "increase", "irate", "delta", "idelta", "deriv", "changes", "resets")
ELEMENTWISE = ("abs", "ln", "log2", "log10", "sqrt", "deg", "rad", "atan", "tanh", "asinh")
JUMPY = ("ceil", "floor", "exp", "sgn", "sin", "cos", "tan", "cosh", "acos")
DATES = ("hour", "minute", "day_of_week", "day_of_month", "day_of_year", "days_in_month", "month", "year")


class Grammar:
    """One seeded stream of expressions; ``start`` is an absolute time (s) for the @ modifier."""

    def __init__(self, seed: int, start: float) -> None:
        self.random = random.Random(seed)
        self.start = start

    def expression(self) -> str:
        return self.vector(3)

    def vector(self, depth: int) -> str:
        pick = self.random.random()
        if depth == 0 or pick < 0.12:
            return self.selector()
        if pick < 0.34:
            return self.ranged(depth)
        if pick < 0.56:
            return self.aggregate(depth)
        if pick < 0.76:
            return self.binary(depth)
        return self.function(depth)

    def scalar(self, depth: int) -> str:
        choice = self.random.randrange(6)
        if choice == 0 and depth:
            return f"scalar({self.vector(depth - 1)})"
        if choice == 1:
            return "time()"
        return self.random.choice(("2", "0.5", "-1", "10", "1e3", "0", "0x10", "3.25", "Inf"))

    def selector(self, *, counter: bool | None = None) -> str:
        if counter is None:
            names: tuple[str, ...] = (*COUNTERS, *GAUGES, BUCKETS)
        else:
            names = (*COUNTERS, BUCKETS) if counter else GAUGES
        return self.name_and_matchers(names) + self.modifier()

    def name_and_matchers(self, names: tuple[str, ...]) -> str:
        matchers = self.random.sample(MATCHERS, self.random.choice((0, 1, 1, 2)))
        if self.random.random() < 0.1:
            return "{" + ",".join(['__name__=~"http_requests_total|orders_.*"', *matchers]) + "}"
        return self.random.choice(names) + ("{" + ",".join(matchers) + "}" if matchers else "")

    def modifier(self) -> str:
        pick = self.random.random()
        if pick < 0.75:
            return ""
        offset = f" offset {self.random.choice(('1m', '90s', '-2m', '5m'))}"
        moment = f" @ {self.random.choice((str(self.start + 700), f'{self.start + 1234.5}', 'start()', 'end()'))}"
        return self.random.choice((offset, moment, moment + offset, offset + moment))

    def ranged(self, depth: int) -> str:
        window = f"[{self.random.choice(RANGES)}]"
        pick = self.random.random()
        if pick < 0.5:
            series = self.name_and_matchers((*COUNTERS, BUCKETS))
            return f"{self.random.choice(RATES)}({series}{window}{self.modifier()})"
        if pick < 0.72:
            series = self.name_and_matchers((*GAUGES, *COUNTERS))
            return f"{self.random.choice(OVER_TIME)}_over_time({series}{window}{self.modifier()})"
        if pick < 0.78:
            series = self.name_and_matchers(GAUGES)
            return f"quantile_over_time({self.random.choice(('0.5', '0.9', '1.5', '0'))}, {series}{window})"
        if pick < 0.82:
            return f"predict_linear({self.name_and_matchers(GAUGES)}{window}, {self.random.choice(('60', '-30'))})"
        if pick < 0.85:
            return f"holt_winters({self.name_and_matchers(GAUGES)}{window}, 0.4, 0.6)"
        if pick < 0.88:
            return f"absent_over_time({self.name_and_matchers(COUNTERS)}{window})"
        step = self.random.choice(("", "15s", "40s", "1m"))
        function = self.random.choice(("max_over_time", "avg_over_time", "delta", "count_over_time", "sum_over_time"))
        return f"{function}(({self.vector(depth - 1)})[{self.random.choice(('3m', '5m'))}:{step}]{self.modifier()})"

    def aggregate(self, depth: int) -> str:
        inner = self.vector(depth - 1)
        op = self.random.choice(
            (
                "sum",
                "avg",
                "min",
                "max",
                "count",
                "group",
                "stddev",
                "stdvar",
                "topk",
                "bottomk",
                "quantile",
                "count_values",
            )
        )
        if op.startswith("std"):  # the spread of huge values that lie close together is rounding, nothing else
            inner = self.selector()
        names = ",".join(self.random.sample(LABELS, self.random.choice((0, 1, 2))))
        clause = self.random.choice(("", f" by ({names}) ", f" without ({names}) "))
        if op in ("topk", "bottomk"):
            # Ties are cut arbitrarily by any implementation: only the values are comparable.
            best = f"{op}{clause}({self.random.choice('1235')}, {inner})"
            return f"sum by (kind) (label_replace({best}, 'kind', 'x', '', ''))"
        if op == "quantile":
            return f"quantile{clause}({self.random.choice(('0.25', '0.9', '-1'))}, {inner})"
        if op == "count_values":
            return f'count_values{clause}("value", floor({self.selector()}))'
        return f"{op}{clause}({inner})"

    def binary(self, depth: int) -> str:
        pick = self.random.random()
        arithmetic = self.random.choice(("+", "-", "*", "/", "^", "atan2"))
        comparison = self.random.choice(("==", "!=", ">", "<", ">=", "<="))
        if pick < 0.04:  # between computed values a remainder magnifies the last bit of rounding
            return f"({self.selector()}) % {self.random.choice(('7', '0', '-2.5'))}"
        if pick < 0.3:
            op = self.random.choice((arithmetic, comparison, f"{comparison} bool"))
            sides = [f"({self.vector(depth - 1)})", self.scalar(depth - 1)]
            self.random.shuffle(sides)
            return f" {op} ".join(sides)
        if pick < 0.5:
            op = self.random.choice(("and", "or", "unless"))
            match = self.random.choice(("", " on (pod)", " ignoring (code, route)", " on ()"))
            return f"({self.vector(depth - 1)}) {op}{match} ({self.vector(depth - 1)})"
        if pick < 0.75:
            left = f"sum by (pod, code) ({self.vector(depth - 1)})"
            group = self.random.choice(("group_left", "group_left (namespace)", "group_left ()"))
            right = f"sum by (pod) ({self.vector(depth - 1)})"
            if self.random.random() < 0.4:
                return f"{right} {arithmetic} on (pod) {group.replace('left', 'right')} {left}"
            return f"{left} {arithmetic} on (pod) {group} {right}"
        match = self.random.choice(("", "", " ignoring (code)", " on (pod)", " on (pod, code, route, method)"))
        op = self.random.choice((arithmetic, comparison, f"{comparison} bool"))
        return f"({self.vector(depth - 1)}) {op}{match} ({self.vector(depth - 1)})"

    def function(self, depth: int) -> str:
        inner = self.vector(depth - 1)
        pick = self.random.random()
        if pick < 0.1:
            return f"{self.random.choice(ELEMENTWISE)}({inner})"
        if pick < 0.2:  # where one bit of rounding can decide, the argument is a plain sample
            return f"{self.random.choice(JUMPY)}({self.selector()})"
        if pick < 0.38:
            by = self.random.choice(("le", "le, pod", "le, nothere"))
            q = self.random.choice(("0.5", "0.95", "0.99", "0", "1", "2", "-0.1"))
            matcher = self.random.choice(("", '{pod=~"pay.*"}', '{le=~"0.*|.Inf"}', '{le!="+Inf"}'))
            return f"histogram_quantile({q}, sum by ({by}) (rate({BUCKETS}{matcher}[{self.random.choice(RANGES)}])))"
        if pick < 0.5:
            template = self.random.choice(("$1", "x-${1}-$2", "$$1", "", "plain"))
            pattern = self.random.choice(("(.*)-(.*)", "pay-(.*?)-(.*)", ".*", "nomatch", "([a-z]+).*"))
            target = self.random.choice(("dst", "code", "pod"))
            return f'label_replace({inner}, "{target}", "{template}", "pod", "{pattern}")'
        if pick < 0.56:
            return f'label_join({inner}, "joined", "-", "pod", "nothere", "code")'
        if pick < 0.64:
            return f"absent({inner})"
        if pick < 0.70:
            return f"timestamp({inner})"
        if pick < 0.76:
            return f"clamp({inner}, {self.random.choice(('1', '-5', '20'))}, {self.random.choice(('10', '100'))})"
        if pick < 0.82:
            return f"{self.random.choice(('clamp_min', 'clamp_max'))}({inner}, {self.scalar(0)})"
        if pick < 0.88:
            return f"round({self.selector()}{self.random.choice(('', ', 0.1', ', 5'))})"
        if pick < 0.92:
            return f"{self.random.choice(('sort', 'sort_desc'))}({inner})"
        if pick < 0.95:
            return f"{self.random.choice(DATES)}({self.random.choice(('', inner))})"
        if pick < 0.97:
            return f"vector({self.scalar(depth - 1)})"
        return f"-({inner})"
