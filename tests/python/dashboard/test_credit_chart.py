from __future__ import annotations

from decimal import Decimal
from typing import Any

from saas_access.dashboard.credit_chart import draw


def days(*left: int, added: dict[int, int] | None = None) -> list[dict[str, Any]]:
    """Days of November 2030, the first on the 1st."""
    return [
        {"day": f"2030-11-{number + 1:02}T00:00:00Z", "added": (added or {}).get(number, 0), "balance_at_end": balance}
        for number, balance in enumerate(left)
    ]


def points(line: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (each.split(",") for each in line.split())]


def test_the_base_is_zero_and_the_top_a_round_number() -> None:
    chart = draw(days(0, 400, 100), None)
    assert chart is not None
    assert [text for _, text in chart.gridlines] == ["0", "250", "500"]
    assert points(chart.line) == [(0, 154), (500, 50), (1000, 128)]
    assert chart.ahead == ""
    assert chart.spoken == "Credits left by day, 3 days: 0 on 1 Nov 2030, 100 on 3 Nov 2030."


def test_the_pace_goes_on_dotted_and_stops_at_nothing() -> None:
    chart = draw(days(100, 100), Decimal(50))
    assert chart is not None
    ahead = points(chart.ahead)
    assert len(ahead) == 8
    assert ahead[0] == points(chart.line)[-1]
    assert [y for _, y in ahead[2:]] == [154] * 6
    assert ahead[-1][0] == 1000


def test_what_was_added_most_is_named_where_there_is_room() -> None:
    left = [1000] * 31
    chart = draw(days(*left[:30], added={1: 9000, 10: 500, 11: 700, 20: 100, 29: 5}), None)
    assert chart is not None
    assert [dot.text for dot in chart.dots] == ["+700", "+100", "1,000"]
    assert [label.text for label in chart.days] == ["1 Nov 2030", "12 Nov 2030", "21 Nov 2030", "30 Nov 2030"]
    assert [label.anchor for label in chart.days] == ["start", "middle", "middle", "end"]


def test_one_day_or_an_overdrawn_balance_can_be_drawn() -> None:
    assert draw([], None) is None
    one = draw(days(-5), None)
    assert one is not None
    assert points(one.line) == [(0, 154)]
    assert [dot.text for dot in one.dots] == ["-5"]


def test_large_numbers_are_short() -> None:
    chart = draw(days(1_900_000, 3_000), None)
    assert chart is not None
    assert [text for _, text in chart.gridlines] == ["0", "1M", "2M"]
