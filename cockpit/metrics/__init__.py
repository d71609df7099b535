"""Prometheus: client, counters, presets, SLO discovery."""
