"""From the explorer's form to a filter, and from counts to its pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from hutong.analytics.click_counts import ClickCounts, Count
from hutong.analytics.clicks import Became, ClickFilter, ClickItem, Who
from hutong.links.containers import CONTAINERS, SYSTEMS
from hutong.links.jumps.matrix import Form
from hutong.links.jumps.tries import Outcome
from hutong.links.visitors import LANGUAGE_CHARS_MAX, MARK_BYTES, REFERRERS
from hutong.web.charts import CountSeries, StackChart
from hutong.web.console.click_views import Breakdown, ClickForm, ClickLine, Part, WayTold
from hutong.web.console.click_words import BECAME, MACHINES, PARTS, WAYS, word_of
from hutong.web.console.periods import day_of, midnight
from hutong.web.format import Formats
from hutong.web.labels import mark

DAYS_SHOWN: Final = 14
#: Days that one picture or one export reads.
DAYS_MAX: Final = 366
HOURS_UP_TO_DAYS: Final = 3
DAYS_UP_TO_DAYS: Final = 92
PARTS_SHOWN: Final = 8
VISITOR_CHARS_SHOWN: Final = 8
CODE_CHARS_MAX: Final = 64
BAR_WHOLE: Final = 1000
PEOPLE: Final = mark("人")
BOTS: Final = mark("机器")
#: The form's field for each column that is broken down.
FIELDS: Final = {"container": "app", "os": "system", "referrer": "source", "language": "language"}


def read_form(given: Mapping[str, str], today: date) -> ClickForm:
    """The filters of an address; what makes no sense is as if not given. Days are put in order, DAYS_MAX at most."""
    last = day_of(given.get("last", "")) or today
    first = day_of(given.get("first", "")) or last - timedelta(days=DAYS_SHOWN - 1)
    first, last = sorted((first, last))
    visitor = given.get("visitor", "").lower()
    return ClickForm(
        who=_one_of(given, "who", tuple(Who)) or Who.PEOPLE.value,
        first=max(first, last - timedelta(days=DAYS_MAX - 1)),
        last=last,
        link=given.get("link", "").strip()[:CODE_CHARS_MAX],
        channel=str(channel) if (channel := _id(given.get("channel", ""))) else "",
        app=_one_of(given, "app", CONTAINERS),
        system=_one_of(given, "system", SYSTEMS),
        source=_one_of(given, "source", REFERRERS),
        language=given.get("language", "").strip()[:LANGUAGE_CHARS_MAX],
        became=_one_of(given, "became", tuple(Became)),
        visitor=visitor if _mark(visitor) else "",
    )


def filter_of(form: ClickForm, link_id: UUID | None, zone: ZoneInfo) -> ClickFilter:
    """What the form asks for. ``link_id``: the link it names."""
    return ClickFilter(
        since=midnight(form.first, zone),
        until=midnight(form.last + timedelta(days=1), zone),
        who=Who(form.who),
        link_id=link_id,
        channel_id=_id(form.channel),
        container=form.app,
        os=form.system,
        referrer=form.source,
        language=form.language or None,
        became=Became(form.became) if form.became else None,
        visitor=_mark(form.visitor),
    )


def query_of(form: ClickForm, **changed: str) -> str:
    """The form as an address."""
    given = {name: str(getattr(form, name)) for name in ClickForm.__struct_fields__} | changed
    return urlencode({name: value for name, value in given.items() if value})


def steps_of(form: ClickForm, zone: ZoneInfo) -> list[datetime]:
    """Where each step of the picture begins, and where the last one ends: hours, days or months."""
    end = midnight(form.last + timedelta(days=1), zone)
    days = (form.last - form.first).days + 1
    if days <= HOURS_UP_TO_DAYS:
        since = midnight(form.first, zone).astimezone(UTC)
        hours = int((end - since) / timedelta(hours=1))
        return [since + timedelta(hours=hour) for hour in range(hours + 1)]
    if days <= DAYS_UP_TO_DAYS:
        return _once([midnight(form.first + timedelta(days=day), zone) for day in range(days + 1)])
    firsts = [form.first, *_months(form.first, form.last)]
    return [*(midnight(day, zone) for day in firsts), end]


def _once(moments: list[datetime]) -> list[datetime]:
    """Each moment once: a day that a zone has skipped (Samoa's 30 December 2011) begins where the next one does."""
    return [*{moment.astimezone(UTC): moment for moment in moments}.values()]


def _months(first: date, last: date) -> list[date]:
    found, day = [], first.replace(day=1)
    while (day := (day + timedelta(days=31)).replace(day=1)) <= last:
        found.append(day)
    return found


def chart_of(
    form: ClickForm, counts: ClickCounts, begins: Sequence[datetime], formats: Formats, translate: Callable[[str], str]
) -> StackChart | None:
    """The picture over time; None where there is nothing to draw."""
    if not counts.people and not counts.bots:
        return None
    days = (form.last - form.first).days + 1
    series = [
        CountSeries(name=translate(PEOPLE), colour="--ht-jade", values=tuple(one.people for one in counts.steps)),
        CountSeries(name=translate(BOTS), colour="--ht-tone-0", values=tuple(one.bots for one in counts.steps)),
    ]
    shown = {Who.PEOPLE.value: series[:1], Who.BOTS.value: series[1:]}.get(form.who, series)
    return StackChart(
        labels=tuple(_label(begin, days, formats) for begin in begins[:-1]),
        series=tuple(shown),
    )


def _label(begin: datetime, days: int, formats: Formats) -> str:
    if days == 1:
        return formats.clock_time(begin)
    if days <= HOURS_UP_TO_DAYS:
        return f"{formats.day(begin)} {formats.clock_time(begin)}"
    return formats.day(begin) if days <= DAYS_UP_TO_DAYS else formats.month(begin.astimezone(formats.zone).date())


def breakdowns_of(form: ClickForm, counts: ClickCounts) -> tuple[Breakdown, ...]:
    """The clicks by each column: of people, of machines or of both, as the form wants to see."""
    found = []
    for kind, title in PARTS.items():
        is_machines = kind == "machine"
        if is_machines and form.who == Who.PEOPLE.value:
            continue
        values = [one for one in (_seen(form, entry) for entry in counts.by[kind]) if one.people or one.bots]
        if is_machines:
            values = [Count(value=one.value, bots=one.bots) for one in values if one.bots]
        values.sort(key=lambda one: (-one.people - one.bots, one.value))
        most = max((one.people + one.bots for one in values), default=0)
        found.append(
            Breakdown(
                title=title,
                parts=tuple(_part(form, kind, one, most) for one in values[:PARTS_SHOWN]),
                rest=sum(one.people + one.bots for one in values[PARTS_SHOWN:]),
            )
        )
    return tuple(one for one in found if one.parts)


def _seen(form: ClickForm, count: Count) -> Count:
    people = 0 if form.who == Who.BOTS.value else count.people
    bots = 0 if form.who == Who.PEOPLE.value else count.bots
    return Count(value=count.value, people=people, bots=bots)


def _part(form: ClickForm, kind: str, count: Count, most: int) -> Part:
    field = FIELDS.get(kind)
    return Part(
        text=word_of(kind, count.value),
        is_raw=kind == "language" and bool(count.value),
        people=count.people,
        bots=count.bots,
        width=_width(count.people + count.bots, most),
        bots_width=_width(count.bots, most),
        href=f"/clicks?{query_of(form, **{field: count.value})}" if field and count.value else "",
    )


def _width(part: int, most: int) -> int:
    """A bar's length; whatever exists is visible."""
    return max(8, BAR_WHOLE * part // most) if part else 0


def line_of(item: ClickItem, form: ClickForm, zone: ZoneInfo, ways: Mapping[str, Form]) -> ClickLine:
    """A click as a row; ``ways``: the matrix's forms by name."""
    day = item.clicked_at.astimezone(zone).date().isoformat()
    mark_hex = item.visitor.hex()
    same = ClickForm(who=Who.ALL.value, first=form.first, last=form.last)
    return ClickLine(
        click_id=item.click_id,
        at=item.clicked_at,
        link_code=item.link_code,
        link_title=item.link_title,
        channel_name=item.channel_name,
        app=word_of("container", item.container),
        system=word_of("os", item.os),
        language=item.language,
        source=word_of("referrer", item.referrer),
        visitor=mark_hex[:VISITOR_CHARS_SHOWN],
        visitor_href=f"/clicks?{query_of(same, visitor=mark_hex, first=day, last=day)}" if _mark(mark_hex) else "",
        machine=MACHINES.get(item.machine, item.machine) if item.is_bot else "",
        became=item.became.value,
        became_text=BECAME[item.became.value],
        ways=tuple(
            WayTold(way=WAYS[ways[one.form].kind if one.form in ways else ""], left=one.outcome == Outcome.LEFT.value)
            for one in item.tries
        ),
        order_href=_order_href(item),
    )


def _order_href(item: ClickItem) -> str:
    if item.order_id is not None:
        return f"/orders/{item.order_id}"
    return (
        f"/promotions?{urlencode({'order': item.promoted_no, 'source': item.promoted_source})}"
        if item.promoted_no
        else ""
    )


def _one_of(given: Mapping[str, str], name: str, values: Sequence[str]) -> str:
    value = given.get(name, "")
    return value if value in values else ""


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _mark(text: str) -> bytes:
    """A visitor's mark, or nothing."""
    try:
        found = bytes.fromhex(text)
    except ValueError:
        return b""
    return found if len(found) == MARK_BYTES else b""
