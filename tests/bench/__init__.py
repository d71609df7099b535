"""Measurements of the bars in DESIGN.md: ``python -m tests.bench --json FILE [--quick]``. Never part of the tests."""
