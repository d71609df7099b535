"""``python -m tests.bench --json FILE [--quick] [--only NAME…]``: measure the bars and write them as rows."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench import judging, logs, paint, start, verdicts, wire
from tests.bench.row import Row

MEASURES: dict[str, Callable[[bool], Iterator[Row]]] = {
    "judge-tick": judging.tick,
    "verdicts": verdicts.simulate,
    "first-frame": start.first_frame,
    "key-quiet": paint.keys_quiet,
    "key-busy": paint.keys_busy,
    "event-to-cell": paint.event_to_cell,
    "idle-cpu": paint.idle,
    "tty-bytes": paint.bytes_out,
    "confirm-to-wire": wire.confirm,
    "api-cost": wire.api_cost,
    "prom-cost": wire.prom_cost,
    "logs": logs.followed,
    "log-memory": logs.memory,
    "fleet-start": start.fleet,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--json", type=Path, required=True, metavar="FILE")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller samples: a smoke run, not a verdict")
    parser.add_argument("--only", nargs="+", choices=sorted(MEASURES), default=list(MEASURES))
    options = parser.parse_args()
    rows: list[Row] = []
    for name in options.only:
        began = time.monotonic()
        print(f"{name} ...", file=sys.stderr)
        try:
            made = list(MEASURES[name](options.quick))
        except (AssertionError, OSError, RuntimeError) as error:
            made = [Row(name, None, "", 0.0, f"could not be measured: {str(error)[:500]}", (), None)]
        rows += made
        for each in made:
            print(each.line(), flush=True)
        print(f"  took {time.monotonic() - began:.0f} s", file=sys.stderr)
    machine = {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
    answer = {"quick": options.quick, "on": machine, "rows": [dataclasses.asdict(each) for each in rows]}
    options.json.write_text(json.dumps(answer, indent=2, allow_nan=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
