"""The limit on guessing."""

from __future__ import annotations

import pytest

from saas_access.failed_attempts import FailedAttempts, source_of


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_source_that_failed_too_often_waits_and_is_looked_at_again() -> None:
    clock = Clock()
    limit = FailedAttempts(6, clock)
    for _ in range(6):
        assert limit.wait_s("here") == 0
        limit.note("here")
    assert limit.wait_s("here") == pytest.approx(10)
    clock.now_s += 4
    assert limit.wait_s("here") == pytest.approx(6)
    clock.now_s += 6
    assert limit.wait_s("here") == 0
    limit.note("here")
    assert limit.wait_s("here") > 0


def test_the_tries_left_are_told_in_whole_ones() -> None:
    clock = Clock()
    limit = FailedAttempts(6, clock)
    left = []
    for _ in range(7):
        left.append(limit.left("here"))
        limit.note("here")
    assert left == [6, 5, 4, 3, 2, 1, 0]
    clock.now_s += 15
    assert (limit.left("here"), limit.left("there")) == (1, 6)


def test_others_are_not_touched() -> None:
    limit = FailedAttempts(1, Clock())
    limit.note("here")
    assert limit.wait_s("here") > 0
    assert limit.wait_s("there") == 0


def test_a_bucket_is_never_more_than_full() -> None:
    clock = Clock()
    limit = FailedAttempts(2, clock)
    limit.note("here")
    clock.now_s += 3600
    limit.note("here")
    assert limit.wait_s("here") == 0
    limit.note("here")
    assert limit.wait_s("here") > 0


def test_sources_beyond_memory_are_forgotten_the_oldest_first() -> None:
    limit = FailedAttempts(1, Clock())
    for number in range(10_001):
        limit.note(str(number))
    assert limit.wait_s("0") == 0
    assert limit.wait_s("1") > 0


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
        (None, "unknown"),
    ],
)
def test_what_counts_as_one_source(address: str | None, source: str) -> None:
    assert source_of(address) == source
