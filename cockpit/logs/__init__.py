"""Logs: merge by time, bounded rings, patterns."""
