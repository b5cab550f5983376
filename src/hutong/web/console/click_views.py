"""What the click explorer shows."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from hutong.links.queries import ChannelChoice
from hutong.web.charts import StackChart
from hutong.web.console.views import View


class ClickForm(View, frozen=True, kw_only=True):
    """The filters as they were sent; the days as they were understood."""

    who: str
    first: date
    last: date
    link: str = ""
    channel: str = ""
    app: str = ""
    system: str = ""
    source: str = ""
    language: str = ""
    became: str = ""
    visitor: str = ""

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the period is chosen."""
        return any(
            (self.link, self.channel, self.app, self.system, self.source, self.language, self.became, self.visitor)
        )


class LinkOption(View, frozen=True, kw_only=True):
    """A link to narrow to."""

    code: str
    title: str


class WayTold(View, frozen=True, kw_only=True):
    """One attempt: the source text of its way, and whether the visitor left by it."""

    way: str
    left: bool


class ClickLine(View, frozen=True, kw_only=True):
    """A click as a row; texts are source texts, but for the language and what the merchant wrote."""

    click_id: UUID
    at: datetime
    link_code: str
    link_title: str
    channel_name: str
    app: str
    system: str
    language: str
    source: str
    visitor: str  # eight digits of the mark
    visitor_href: str  # the same visitor's clicks on that day
    machine: str  # source text of the kind; empty for a person
    became: str
    became_text: str
    ways: tuple[WayTold, ...]
    order_href: str  # empty where none is known


class Part(View, frozen=True, kw_only=True):
    """One value of a breakdown; ``width``: its share of the largest in 1000, and ``bots_width`` the machines' of it."""

    text: str
    is_raw: bool
    people: int
    bots: int
    width: int
    bots_width: int
    href: str = ""


class Breakdown(View, frozen=True, kw_only=True):
    """The clicks by one of their columns, the most first; ``rest`` of them are in none of the parts shown."""

    title: str
    parts: tuple[Part, ...]
    rest: int


class ClicksView(View, frozen=True, kw_only=True):
    """The click explorer. ``is_clear``: nothing was ever clicked as far as the period tells."""

    form: ClickForm
    rows: tuple[ClickLine, ...]
    people: int
    bots: int
    chart: StackChart | None
    breakdowns: tuple[Breakdown, ...]
    links: tuple[LinkOption, ...]
    channels: tuple[ChannelChoice, ...]
    apps: tuple[tuple[str, str], ...]
    systems: tuple[tuple[str, str], ...]
    sources: tuple[tuple[str, str], ...]
    outcomes: tuple[tuple[str, str], ...]
    whose: tuple[tuple[str, str, str], ...]  # value, source text, address
    clear_href: str
    newest_href: str  # empty on the first page
    older_href: str
    export_href: str
    export_max: int
    days_max: int
