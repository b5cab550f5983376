"""The click explorer: counts over time and by kind, every single click, and all of them as a table to keep."""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from litestar import Controller, Response, get
from litestar.response import Stream

from hutong.analytics.click_counts import count_clicks
from hutong.analytics.clicks import ClickFilter, Who, clicks_slice
from hutong.db.unit import Unit
from hutong.links.choices import link_choices
from hutong.links.containers import CONTAINERS, SYSTEMS
from hutong.links.queries import channel_choices
from hutong.links.service import find_link
from hutong.links.visitors import REFERRERS
from hutong.merchants.queries import this_merchant
from hutong.web.console.click_export import EXPORT_ROWS_MAX, TooManyClicks, click_lines
from hutong.web.console.click_reading import (
    DAYS_MAX,
    breakdowns_of,
    chart_of,
    filter_of,
    line_of,
    query_of,
    read_form,
    steps_of,
)
from hutong.web.console.click_views import ClickForm, ClicksView, LinkOption
from hutong.web.console.click_words import BECAME, WHO, word_of
from hutong.web.console.desk import ConsoleRequest, Desk
from hutong.web.console.headers import CONSOLE_HEADERS
from hutong.web.format import Formats, zone_of
from hutong.web.languages import locale_of

ROWS: Final = 50


class ClicksController(Controller):
    """The click explorer."""

    path = "/clicks"
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk, below: UUID | None = None) -> Response[str]:
        """Clicks of the filters in the address, the latest first."""
        locale = locale_of(request)
        async with desk.unit(request, "console.clicks") as unit:
            zone = zone_of((await this_merchant(unit)).timezone)
            form, wanted = await _asked(unit, request, zone)
            bounds = steps_of(form, zone)
            counts = await count_clicks(unit, wanted, bounds)
            found = await clicks_slice(unit, wanted, below=below, limit=ROWS)
            query = query_of(form)
            ways = desk.runtime.ways.book.matrix.forms
            translate = desk.renderer.catalogues.of(locale).ugettext
            view = ClicksView(
                form=form,
                rows=tuple(line_of(row, form, zone, ways) for row in found.rows),
                people=counts.people,
                bots=counts.bots,
                chart=chart_of(form, counts, bounds, Formats(locale, zone), translate),
                breakdowns=breakdowns_of(form, counts),
                links=await _links(unit, form),
                channels=await channel_choices(unit),
                apps=tuple((name, word_of("container", name)) for name in CONTAINERS),
                systems=tuple((name, word_of("os", name)) for name in SYSTEMS),
                sources=tuple((name, word_of("referrer", name)) for name in REFERRERS),
                outcomes=tuple(BECAME.items()),
                whose=tuple((name, text, f"/clicks?{query_of(form, who=name)}") for name, text in WHO.items()),
                clear_href=f"/clicks?{query_of(ClickForm(who=form.who, first=form.first, last=form.last))}",
                newest_href=f"/clicks?{query}" if below is not None else "",
                older_href="" if found.following is None else f"/clicks?{query}&below={found.following}",
                export_href=f"/clicks/export.csv?{query}",
                export_max=EXPORT_ROWS_MAX,
                days_max=DAYS_MAX,
            )
            return await desk.page(request, unit, "console/clicks.html", view)

    @get("/export.csv")
    async def export(self, request: ConsoleRequest, desk: Desk) -> Stream:
        """The clicks of the filters as a table, every cell safe to open in a spreadsheet.

        Raises:
            TooManyClicks: more than one file takes.
        """
        locale = locale_of(request)
        async with desk.unit(request, "console.clicks_counted") as unit:
            zone = zone_of((await this_merchant(unit)).timezone)
            form, wanted = await _asked(unit, request, zone)
            bounds = steps_of(form, zone)
            counts = await count_clicks(unit, wanted, [bounds[0], bounds[-1]])
        each = {Who.PEOPLE: counts.people, Who.BOTS: counts.bots, Who.ALL: counts.people + counts.bots}
        if each[wanted.who] > EXPORT_ROWS_MAX:
            raise TooManyClicks(clicks=each[wanted.who], most=EXPORT_ROWS_MAX)
        name = f"hutong-clicks-{desk.runtime.clock.now().astimezone(zone):%Y%m%d-%H%M}.csv"
        return Stream(
            click_lines(
                lambda: desk.unit(request, "console.clicks_export"),
                wanted,
                Formats(locale, zone),
                desk.renderer.catalogues.of(locale).ugettext,
            ),
            media_type="text/csv",
            headers={**CONSOLE_HEADERS, "content-disposition": f'attachment; filename="{name}"'},
        )


async def _asked(unit: Unit, request: ConsoleRequest, zone: ZoneInfo) -> tuple[ClickForm, ClickFilter]:
    """The form of an address, and what it asks for; a link that is not there has no clicks."""
    form = read_form(dict(request.query_params), unit.now().astimezone(zone).date())
    link_id = None
    if form.link:
        link = await find_link(unit, form.link)
        link_id = uuid4() if link is None else link.link_id
    return form, filter_of(form, link_id, zone)


async def _links(unit: Unit, form: ClickForm) -> tuple[LinkOption, ...]:
    """The newest links, and the chosen one whatever its age."""
    known = {choice.code: choice.title for choice in await link_choices(unit)}
    if form.link and form.link not in known:
        chosen = await find_link(unit, form.link)
        known[form.link] = form.link if chosen is None else chosen.title
    return tuple(LinkOption(code=code, title=title) for code, title in known.items())
