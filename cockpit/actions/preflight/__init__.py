"""The checks before a rollback (facts/registry-and-rollback.md, 4.2): small functions, run concurrently."""
