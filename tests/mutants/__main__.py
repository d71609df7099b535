"""Applies each mutation to a scratch copy and runs the tests that it names: one that stays green fails this command.

python -m tests.mutants [--rule N] [--name TEXT…] [--jobs N]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.catalogue import Mutant, load
from tests.mutants.scratch import Scratch

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--rule", type=int, help="only the mutants of this safety rule")
    parser.add_argument("--name", nargs="+", default=[""], help="only mutants whose name contains one of these")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    mutants = [
        mutant
        for mutant in load(ROOT)
        if (chosen.rule is None or mutant.rule == chosen.rule) and any(each in mutant.name for each in chosen.name)
    ]
    if not mutants:
        print("no mutant matches", file=sys.stderr)
        return 2
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ExitStack() as ends:
        idle: SimpleQueue[Scratch] = SimpleQueue()
        for number in range(max(1, min(chosen.jobs, len(mutants)))):
            idle.put(ends.enter_context(closing(Scratch(ROOT, Path(folder) / str(number)))))
        sound = _sound(idle, mutants)
        if sound is not None:
            print(sound, file=sys.stderr)
            return 2
        with ThreadPoolExecutor(idle.qsize()) as pool:
            problems = [problem for problem in pool.map(lambda mutant: _try(idle, mutant), mutants) if problem]
    for problem in problems:
        print(f"SURVIVED  {problem}", file=sys.stderr)
    print(f"{len(mutants) - len(problems)} of {len(mutants)} mutants were caught in {time.monotonic() - begun:.0f} s")
    return 1 if problems else 0


def _sound(idle: SimpleQueue[Scratch], mutants: list[Mutant]) -> str | None:
    """Without any mutation all named tests exist and pass; otherwise nothing that follows would mean anything."""
    scratch = idle.get()
    try:
        if not scratch.is_tested():
            return "the scratch copy is not what the tests import"
        tests = sorted({test for mutant in mutants for test in mutant.tests})
        code, said = scratch.run(tests)
        return None if code == 0 else f"the named tests do not pass unmutated (exit {code}):\n{said}"
    finally:
        idle.put(scratch)


def _try(idle: SimpleQueue[Scratch], mutant: Mutant) -> str | None:
    scratch = idle.get()
    try:
        with scratch.mutated(mutant):
            code, said = scratch.run(mutant.tests)
    finally:
        idle.put(scratch)
    if code == 1:
        return None
    fate = "its tests stay green" if code == 0 else f"its tests could not be run (exit {code}):\n{said}"
    return f"rule {mutant.rule}, {mutant.name}: {fate}"


if __name__ == "__main__":
    sys.exit(main())
