from __future__ import annotations

import itertools
from decimal import Decimal

import pytest

from saas_access.dashboard import charts
from saas_access.dashboard.charts import Period, Series
from saas_access.dashboard.rendering import _environment

HEIGHT = 122  # a plot of 86 px between 14 and 100


def days(count: int) -> list[Period]:
    return [Period(name=f"{at} Nov", label=f"{at} Nov", unfinished=at == count) for at in range(1, count + 1)]


def test_bars_stand_on_zero_and_stack_without_gap() -> None:
    first = Series(name="answered", values=[50, 0], ink="1")
    second = Series(name="failed", values=[50, 25], ink="2")
    chart = charts.bars(days(2), [first, second], height=HEIGHT, summary="")
    low, high = chart.columns[0].rects
    assert chart.base == 100
    assert (low.y, low.height, low.ink) == (57, 43, "1")
    assert (high.y, high.height, high.ink) == (14, 43, "2")
    assert [rect.ink for rect in chart.columns[1].rects] == ["2"]  # nothing has no shape
    assert chart.columns[1].rects[0].y + chart.columns[1].rects[0].height == 100


def test_columns_share_the_plot_evenly() -> None:
    chart = charts.bars(days(4), [Series(name="calls", values=[1, 2, 3, 4])], height=HEIGHT, summary="")
    assert [(column.hit_x, column.hit_width) for column in chart.columns] == [(0, 25), (25, 25), (50, 25), (75, 25)]
    assert all(
        column.hit_x < column.x and column.x + column.width < column.hit_x + column.hit_width
        for column in chart.columns
    )
    assert [column.unfinished for column in chart.columns] == [False, False, False, True]


def test_a_column_says_its_numbers() -> None:
    series = [Series(name="granted", values=[1234, None]), Series(name="refused", values=[Decimal("0.5"), 0], ink="d")]
    chart = charts.bars(days(2), series, height=HEIGHT, summary="")
    assert [column.title for column in chart.columns] == [
        "1 Nov: granted 1,234; refused 0.5",
        "2 Nov: granted none; refused 0",
    ]


@pytest.mark.parametrize(
    ("value", "top"),
    [
        (0, "1"),
        (1, "1"),
        (7, "8"),
        (11, "15"),
        (110, "150"),
        (13_700, "15000"),
        (10**6, "1000000"),
        (Decimal("0.031"), "0.04"),
    ],
)
def test_the_axis_ends_at_a_round_number(value: int | Decimal, top: str) -> None:
    assert charts.round_top(value) == Decimal(top)


def test_only_high_charts_have_a_figure_in_the_middle() -> None:
    def figures(height: int, value: int) -> list[str]:
        chart = charts.bars(days(1), [Series(name="calls", values=[value])], height=height, summary="")
        return [text.text for text in chart.axis]

    assert figures(180, 13_700) == ["0", "7.5k", "15k"]
    assert figures(120, 13_700) == ["0", "15k"]
    assert figures(180, 1) == ["0", "1"]  # half a call is no figure
    assert figures(180, 0) == ["0"]


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (999, "999"), (1500, "1.5k"), (20_000, "20k"), (3_000_000, "3M"), (10**10, "10G")]
)
def test_figures_of_an_axis_are_short(value: int, text: str) -> None:
    assert charts.compact(value) == text


def test_few_periods_are_labelled_and_the_last_always() -> None:
    for count in (1, 7, 14, 31, 90):
        chart = charts.bars(days(count), [Series(name="calls", values=[0] * count)], height=HEIGHT, summary="")
        assert 1 <= len(chart.periods) <= 6
        assert chart.periods[-1].text == f"{count} Nov"
        places = [text.at for text in chart.periods]
        assert all(later - earlier >= 12 for earlier, later in itertools.pairwise(places))


def test_labels_at_the_end_keep_apart_and_in_the_plot() -> None:
    series = [
        Series(name="many", values=[100], ink="1"),
        Series(name="none", values=[0], ink="2"),
        Series(name="few", values=[1], ink="3"),
    ]
    chart = charts.bars(days(1), series, height=HEIGHT, summary="")
    places = sorted(text.at for text in chart.ends)
    assert len(places) == 3
    assert all(later - earlier >= 15 for earlier, later in itertools.pairwise(places))
    assert all(14 <= place <= 100 for place in places)
    lengthy = [Series(name=name * 20, values=[1]) for name in "ab"]
    assert [text.text for text in charts.bars(days(1), lengthy, height=HEIGHT, summary="").ends] == [
        "a" * 12 + "…",
        "b" * 12 + "…",
    ]
    alone = charts.bars(days(1), series[:1], height=HEIGHT, summary="")
    assert (alone.ends, alone.keys) == ([], ())


def test_a_line_breaks_where_a_value_is_missing() -> None:
    series = Series(name="half", values=[10, 20, None, 40, None, 5], ink="1")
    chart = charts.lines(days(6), [series], height=HEIGHT, summary="", unit=" ms")
    [line] = chart.lines
    assert line.parts == ["83.3,78.5 250.0,57.0"]
    assert [(round(x, 1), round(y, 2)) for x, y in line.dots] == [(58.3, 14.0), (91.7, 89.25)]
    assert [chart.columns[at].title for at in (2, 3)] == ["3 Nov: half none", "4 Nov: half 40 ms"]


def test_nothing_makes_an_empty_chart() -> None:
    for chart in (
        charts.bars([], [Series(name="calls", values=[])], height=HEIGHT, summary=""),
        charts.lines([], [], height=HEIGHT, summary=""),
    ):
        assert list(chart.columns) == []
        assert list(chart.periods) == []


def test_a_spark_is_as_high_as_its_row_at_most() -> None:
    row = charts.spark([0, 5, 10])
    assert [(bar.y, bar.height, bar.now) for bar in row] == [(14, 14, False), (0, 28, True)]
    assert charts.spark([0, 0]) == []
    assert charts.spark([]) == []


def test_the_gist_names_the_sum_and_the_peak() -> None:
    calls = Series(name="calls", values=[100, 1400, 3])
    assert charts.gist(days(3), calls, what="Calls by day") == "Calls by day: 1,503 in all, most on 2 Nov, 1,400."
    assert charts.gist(days(1), Series(name="calls", values=[0]), what="Calls by day") == "Calls by day: none."


def test_a_drawn_chart_has_no_style_and_escapes_names() -> None:
    series = [Series(name='<b>"x"', values=[1, 2]), Series(name="others", values=[1, 0], ink="3")]
    chart = charts.bars(days(2), series, height=HEIGHT, summary='Calls of <b>"x"')
    drawn = str(_environment().get_template("charts.html").module.chart(chart))  # type: ignore[attr-defined]
    assert "<b>" not in drawn
    assert "style=" not in drawn
    assert 'aria-label="Calls of &lt;b&gt;&#34;x&#34;"' in drawn
    assert drawn.count("<title>") == 2
    assert drawn.count('class="seg-bar part"') == 1
