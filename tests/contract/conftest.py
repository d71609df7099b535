"""Fixtures of the contract tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.world_client import Client, serving


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Client]:
    """An empty world in this process, standing still."""
    async with serving(tmp_path) as client:
        yield client


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Client]:
    """An API server alone: no controllers, no traffic."""
    async with serving(tmp_path, parts=False) as client:
        yield client
