"""The click explorer's form and pictures: whatever stands in an address, in any zone; and the line beside a link."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hutong.analytics.click_counts import KINDS, STEPS_MAX, ClickCounts, Count
from hutong.analytics.clicks import Became, Who
from hutong.links.machines import REASONS
from hutong.links.visitors import REFERRERS
from hutong.web.console.click_reading import (
    BAR_WHOLE,
    DAYS_MAX,
    PARTS_SHOWN,
    breakdowns_of,
    chart_of,
    filter_of,
    query_of,
    read_form,
    steps_of,
)
from hutong.web.console.click_views import ClickForm
from hutong.web.console.click_words import BECAME, MACHINES, WHO
from hutong.web.console.click_words import REFERRERS as REFERRER_WORDS
from hutong.web.format import Formats
from hutong.web.sparkline import sparkline

TODAY = date(2026, 11, 27)
ZONES = ["Asia/Shanghai", "Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia", "UTC"]
FIELDS = ["who", "first", "last", "link", "channel", "app", "system", "source", "language", "became", "visitor"]
WORDS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["people", "bots", "all", "wechat", "ios", "social", "left", "zh-CN", "a" * 32, "2026-11-01"]),
    st.dates(date(1899, 1, 1), date(2201, 1, 1)).map(date.isoformat),
)
DAYS = st.dates(date(2000, 1, 1), date(2030, 1, 1))


@given(st.dictionaries(st.sampled_from(FIELDS), WORDS))
def test_any_address_asks_for_something_that_can_be_answered(given_query):
    form = read_form(given_query, TODAY)
    assert form.first <= form.last
    assert (form.last - form.first).days < DAYS_MAX
    wanted = filter_of(form, None, ZoneInfo("Asia/Shanghai"))
    assert wanted.since < wanted.until
    again = dict(item.split("=", 1) for item in query_of(form).split("&"))
    assert read_form({"first": again["first"], "last": again["last"]}, TODAY).first == form.first


@given(DAYS, st.integers(0, DAYS_MAX - 1), st.sampled_from(ZONES))
@example(date(2011, 12, 30), 29, "Pacific/Apia")
@example(date(2011, 12, 1), 29, "Pacific/Apia")
def test_steps_cover_the_days_without_gap_or_overlap(first, days, zone_name):
    zone = ZoneInfo(zone_name)
    form = ClickForm(who="all", first=first, last=first + timedelta(days=days))
    steps = steps_of(form, zone)
    wanted = filter_of(form, None, zone)
    moments = [step.astimezone(UTC) for step in steps]
    assert (moments[0], moments[-1]) == (wanted.since.astimezone(UTC), wanted.until.astimezone(UTC))
    assert all(one < other for one, other in itertools.pairwise(moments))
    assert len(steps) <= STEPS_MAX + 1


def counts(steps, people=3, bots=2):
    by = {kind: (Count(value="x", people=people, bots=bots),) for kind in KINDS}
    every = tuple(Count(value="", people=people, bots=bots) for _ in range(steps))
    return ClickCounts(people=people * steps, bots=bots * steps, steps=every, by=by)


@pytest.mark.parametrize(("who", "names"), [("people", ["人"]), ("bots", ["机器"]), ("all", ["人", "机器"])])
def test_the_picture_draws_whom_the_reader_looks_at(who, names):
    form = ClickForm(who=who, first=TODAY - timedelta(days=13), last=TODAY)
    zone = ZoneInfo("Asia/Shanghai")
    chart = chart_of(form, counts(14), steps_of(form, zone), Formats("zh-Hans", zone), str)
    assert [series.name for series in chart.series] == names
    assert (len(chart.labels), chart.labels[-1]) == (14, "11月27日")
    assert chart_of(form, counts(14, 0, 0), steps_of(form, zone), Formats("zh-Hans", zone), str) is None


def test_a_breakdown_shows_the_most_and_sums_the_rest():
    form = ClickForm(who="all", first=TODAY, last=TODAY)
    many = tuple(Count(value=f"v{number:02}", people=number, bots=1) for number in range(20))
    found = breakdowns_of(form, ClickCounts(people=190, bots=20, steps=(), by=dict.fromkeys(KINDS, many)))
    apps = found[0]
    assert len(apps.parts) == PARTS_SHOWN
    assert sum(part.people + part.bots for part in apps.parts) + apps.rest == 210
    assert apps.parts[0].width == BAR_WHOLE
    assert all(0 < part.bots_width <= part.width <= BAR_WHOLE for part in apps.parts)
    people = breakdowns_of(ClickForm(who="people", first=TODAY, last=TODAY), counts(1))
    assert len(people) == len(KINDS) - 1, "no kinds of machines among people"


def test_every_word_has_a_text():
    assert set(WHO) == set(Who)
    assert set(BECAME) == set(Became)
    assert set(MACHINES) == {*REASONS, ""}
    assert set(REFERRER_WORDS) == set(REFERRERS)


@given(st.lists(st.integers(0, 10**9), max_size=40))
def test_a_line_has_a_bar_for_each_value_within_its_box(values):
    drawn = sparkline(values, "点击")
    bars = [tuple(map(int, bar)) for bar in re.findall(r'<rect x="(\d+)" y="(\d+)" width="7" height="(\d+)"', drawn)]
    assert len(bars) == len(values)
    assert all(y + height == 24 and height >= 1 for _, y, height in bars)
    assert drawn.count('class="none"') == values.count(0)


def test_the_words_of_a_line_cannot_end_it():
    drawn = sparkline([1, 2], '"><script>')
    assert "<script>" not in drawn
