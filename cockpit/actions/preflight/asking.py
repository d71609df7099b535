"""Several requests of one check: one that fails must not hide what another one has told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")

_SECONDS = 6.0
"""Wall seconds for one request: less than a check has, so that a silent one leaves time to tell of the others."""


async def each(asked: Iterable[Awaitable[T]]) -> list[T | BaseException]:
    """All at once; in place of an answer the error, a TimeoutError for silence."""
    return await asyncio.gather(*(_limited(one) for one in asked), return_exceptions=True)


async def _limited(asked: Awaitable[T]) -> T:
    async with asyncio.timeout(_SECONDS):
        return await asked


def answered(results: Sequence[T | BaseException]) -> list[T]:
    """The answers alone. Raises the first error among them."""
    for result in results:
        if isinstance(result, TimeoutError):
            raise TimeoutError(f"no answer in {_SECONDS:g} s") from None
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]
