"""The catalogue of mutants fits the code: a rule whose mutant went astray would be defended by nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.catalogue import Mutant, load

ROOT = Path(__file__).resolve().parents[2]


def test_every_mutant_fits_its_file_and_names_tests_that_exist() -> None:
    for mutant in load(ROOT):
        for test in mutant.tests:
            path, _, name = test.partition("::")
            assert f"def {name.partition('[')[0]}(" in (ROOT / path).read_text(encoding="utf-8"), (mutant.name, test)


def test_the_first_seven_rules_each_have_mutants() -> None:
    assert {mutant.rule for mutant in load(ROOT)} >= set(range(1, 8))


def test_a_mutation_changes_one_line_and_keeps_its_indentation() -> None:
    mutant = Mutant(1, "x", "f.py", "return True", "return False", ("t",))
    assert mutant.apply("def f():\n    return True\n") == "def f():\n    return False\n"
    with pytest.raises(ValueError, match="wants no"):
        mutant.apply("pass\n")
