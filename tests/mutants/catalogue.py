"""Reads the mutants from rule*.toml and checks that each still fits the code it mutates."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    """One line of one file, what it becomes, and the tests that must fail then. Format: README.md here."""

    rule: int
    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    nth: int = 1

    def apply(self, text: str) -> str:
        """The mutated text. Raises ValueError when the line is not there."""
        lines = text.splitlines(keepends=True)
        places = [number for number, line in enumerate(lines) if line.strip() == self.old.strip()]
        if len(places) < self.nth:
            raise ValueError(f"{self.file} has {len(places)} lines {self.old!r}, {self.name!r} wants no. {self.nth}")
        line = lines[places[self.nth - 1]]
        indent = line[: len(line) - len(line.lstrip())]
        lines[places[self.nth - 1]] = f"{indent}{self.new.strip()}\n"
        return "".join(lines)


def load(root: Path) -> list[Mutant]:
    """All mutants, by rule. Raises ValueError for one that does not fit its file, or fits it in more than one place."""
    found = []
    for path in sorted(Path(__file__).parent.glob("rule*.toml"), key=lambda path: int(path.stem.removeprefix("rule"))):
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        for entry in table["mutant"]:
            mutant = Mutant(
                rule=table["rule"],
                name=entry["name"],
                file=entry["file"],
                old=entry["old"],
                new=entry["new"],
                tests=tuple(entry["tests"]),
                nth=entry.get("nth", 1),
            )
            text = (root / mutant.file).read_text(encoding="utf-8")
            mutant.apply(text)
            times = sum(line.strip() == mutant.old.strip() for line in text.splitlines())
            if times > 1 and "nth" not in entry:
                raise ValueError(
                    f"{mutant.file} has {times} lines {mutant.old!r}; say which with nth in {mutant.name!r}"
                )
            if not mutant.tests:
                raise ValueError(f"mutant {mutant.name!r} names no tests")
            found.append(mutant)
    return found
