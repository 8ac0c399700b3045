"""Credits as people and JSON write them, and the integer micro-credits (and picodollars) that the core counts in."""

from __future__ import annotations

from decimal import Decimal

from saas_access._core import MAX_MICRO_CREDITS, MICRO_PER_CREDIT

MAX_CREDITS = MAX_MICRO_CREDITS // MICRO_PER_CREDIT


def parse(value: object) -> int:
    """Micro-credits of a JSON number of credits, exactly.

    Raises ValueError unless it is a number from 0 to MAX_CREDITS with at most 6 decimals.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("must be a number")  # noqa: TRY004 pydantic takes only a ValueError for an answer
    given = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    exponent = given.as_tuple().exponent
    if not isinstance(exponent, int) or not 0 <= given <= MAX_CREDITS:
        raise ValueError(f"must be a number from 0 to {MAX_CREDITS}")
    if exponent < -6:
        raise ValueError("must have at most 6 decimals")
    return int(given.scaleb(6))


def from_micro(micro_credits: int) -> Decimal:
    """Credits as an exact decimal without trailing zeros."""
    return _shifted(micro_credits, places=6)


def dollars_from_pico(picodollars: int) -> Decimal:
    """US dollars as an exact decimal without trailing zeros."""
    return _shifted(picodollars, places=12)


def _shifted(units: int, *, places: int) -> Decimal:
    return Decimal(units).scaleb(-places).normalize()
