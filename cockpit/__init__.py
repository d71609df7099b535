"""The engine of the rollout cockpit. Nothing in this package imports Textual."""

__version__ = "0.1.0"
