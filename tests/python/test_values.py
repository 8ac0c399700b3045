"""Times, credits, keys and request ids: what crosses the border between people and the core."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

import pytest

from saas_access import credits, request_id, times, virtual_keys


@pytest.mark.parametrize(
    ("text", "unix_ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2024-10-14T12:00:00Z", 1_728_907_200_000),
        ("2024-10-14T14:00:00.5+02:00", 1_728_907_200_500),
        ("2024-10-14t12:00:00.123456789z", 1_728_907_200_123),
        ("1969-12-31T23:59:59.999Z", -1),
        ("9999-12-31T23:59:59Z", 253_402_300_799_000),
    ],
)
def test_a_time_is_read_to_the_millisecond(text: str, unix_ms: int) -> None:
    assert times.parse(text) == unix_ms
    assert times.parse(times.text(unix_ms)) == unix_ms


def test_a_time_is_written_in_utc_with_a_fraction_only_where_there_is_one() -> None:
    assert times.text(1_728_907_200_000) == "2024-10-14T12:00:00Z"
    assert times.text(1_728_907_200_005) == "2024-10-14T12:00:00.005Z"
    assert times.text(-62_135_596_800_000) == "0001-01-01T00:00:00Z"
    assert times.optional_text(None) is None


@pytest.mark.parametrize(
    "text",
    [
        "2024-10-14T12:00:00",
        "2024-10-14 12:00:00Z",
        "2024-10-14",
        "2024-13-14T12:00:00Z",
        "2024-02-30T12:00:00Z",
        "2024-10-14T24:00:01Z",
        "2024-10-14T12:00:00+25:00",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "\u0662024-10-14T12:00:00Z",
        "",
        5,
        None,
    ],
)
def test_anything_else_is_no_time(text: Any) -> None:
    with pytest.raises(ValueError, match="must be a time like"):
        times.parse(text)


@pytest.mark.parametrize(
    ("number", "micro"),
    [
        (0, 0),
        (1, 1_000_000),
        (0.003, 3_000),
        (1e-06, 1),
        (1e11, 100_000_000_000_000_000),
        (Decimal("0.1"), 100_000),
        (Decimal("1E+3"), 1_000_000_000),
        (Decimal("999999999999.999999"), 999_999_999_999_999_999),
        (10**12, 10**18),
    ],
)
def test_credits_are_read_and_written_exactly(number: Any, micro: int) -> None:
    assert credits.parse(number) == micro
    assert credits.parse(credits.from_micro(micro)) == micro


@pytest.mark.parametrize(
    "number",
    [
        -1,
        -0.1,
        10**12 + 1,
        Decimal("1000000000000.000001"),
        0.0000001,
        Decimal("0.0000000000000000000000000000000000001"),
        Decimal("1.00000000000000000000000000000000000001"),
        Decimal("1E+999999999"),
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        True,
        "1",
        None,
        [1],
    ],
)
def test_anything_else_is_no_number_of_credits(number: Any) -> None:
    with pytest.raises(ValueError, match="must "):
        credits.parse(number)


def test_amounts_are_written_without_trailing_zeros_or_exponents() -> None:
    written = [format(credits.from_micro(micro), "f") for micro in (0, 1, -1, 2_500_000, 10**18, 10**18 - 1)]
    assert written == ["0", "0.000001", "-0.000001", "2.5", "1000000000000", "999999999999.999999"]
    assert format(credits.dollars_from_pico(300_000_001), "f") == "0.000300000001"


def test_a_new_key_is_its_own_and_only_its_digest_is_kept() -> None:
    first, second = virtual_keys.generate(), virtual_keys.generate()
    assert first.virtual_key != second.virtual_key
    assert first.virtual_key.startswith("sk-")
    assert len(first.virtual_key) == 46
    assert first.virtual_key not in repr(first)
    assert virtual_keys.digest(first.virtual_key) == hashlib.sha256(first.virtual_key.encode()).digest()


@pytest.mark.parametrize("candidate", [None, "", "a\n", "a b", "\u0661", "x" * 129])
def test_an_unusable_request_id_is_replaced(candidate: str | None) -> None:
    chosen = request_id.choose(candidate)
    assert chosen != candidate
    assert request_id.choose(chosen) == chosen
