"""The statement pages: what each party earned in a period, drawn once and for ever."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Controller, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, Parameter
from litestar.response import Redirect

from hutong.core.errors import InvalidInput
from hutong.ledger.queries import one_statement, parties, statements_page
from hutong.ledger.service import draw_statement
from hutong.ledger.statement_seals import StatementCheck, check_statement, root_of_text, seal_of
from hutong.ledger.statements import StatementLine as DrawnLine
from hutong.ledger.statements import statement_lines
from hutong.merchants.queries import this_merchant
from hutong.shops.names import OrderName, order_names
from hutong.web.console.book_words import ORDER
from hutong.web.console.desk import ConsoleRequest, Desk, go_to
from hutong.web.console.headers import CONSOLE_HEADERS
from hutong.web.console.paging import PAGE_ROWS, page_offset, paging
from hutong.web.console.periods import day_of, days_between, named_period
from hutong.web.console.statement_views import Finding, StatementLine, StatementsView, StatementView
from hutong.web.format import zone_of
from hutong.web.languages import locale_of
from hutong.web.papers.answers import FileForm, statement_file
from hutong.web.papers.reading import read_paper


class DrawForm(msgspec.Struct, frozen=True, kw_only=True):
    """Whose statement, from which day to which, both included."""

    party_id: str
    first: str
    last: str


class StatementsController(Controller):
    """The statement pages."""

    path = "/statements"
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk, party: str = "", page: int = 1) -> Response[str]:
        """Statements, the latest period first, and the form for another one."""
        async with desk.unit(request, "console.statements") as unit:
            known = await parties(unit)
            chosen = next((row for row in known if str(row.party_id) == party), None)
            found = await statements_page(
                unit, None if chosen is None else chosen.party_id, limit=PAGE_ROWS, offset=page_offset(page)
            )
            kept = {"party": "" if chosen is None else party}
            zone = zone_of((await this_merchant(unit)).timezone)
            last_month = named_period("last_month", unit.now(), zone)
            assert last_month.since is not None
            assert last_month.until is not None
            view = StatementsView(
                rows=found.rows,
                paging=paging("/statements", kept, page=page, total=found.total, shown=len(found.rows)),
                parties=known,
                party=kept["party"],
                first=last_month.since.date().isoformat(),
                last=(last_month.until - timedelta(days=1)).date().isoformat(),
            )
            return await desk.page(request, unit, "console/statements.html", view)

    @post("/")
    async def draw(
        self,
        request: ConsoleRequest,
        desk: Desk,
        data: Annotated[DrawForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Redirect:
        """Draw a statement; the same period again leads to the same one.

        Raises:
            StatementRefused: the period is empty or overlaps another statement's.
        """
        async with desk.unit(request, "console.statement_draw") as unit:
            zone: ZoneInfo = zone_of((await this_merchant(unit)).timezone)
            since, until = days_between(data.first, data.last, zone)
            if since is None or until is None or day_of(data.first) is None or day_of(data.last) is None:
                raise InvalidInput(field="first, last", problem=f"{data.first} – {data.last}")
            try:
                party_id = UUID(data.party_id)
            except ValueError:
                raise InvalidInput(field="party_id", problem=data.party_id) from None
            before = unit.now()
            drawn = await draw_statement(unit, party_id, since, until)
        again = "?again=yes" if drawn.created_at < before else ""
        return go_to(f"/statements/{drawn.statement_id}{again}")

    @get("/{statement_id:uuid}")
    async def one(
        self,
        request: ConsoleRequest,
        desk: Desk,
        statement_id: UUID,
        page: int = 1,
        root: str | None = None,
        again: str = "",
    ) -> Response[str]:
        """One statement, line by line. With ``root`` (empty, or read off a paper) it is held against the books.

        Raises:
            InvalidInput: the root is none.
        """
        async with desk.unit(request, "console.statement") as unit:
            row = await one_statement(unit, statement_id)
            lines = await statement_lines(unit, statement_id, limit=PAGE_ROWS, offset=page_offset(page))
            names = await order_names(unit, [line.subject_id for line in lines])
            checked = None if root is None else await check_statement(unit, statement_id, root_of_text(root))
            view = StatementView(
                statement=row,
                lines=tuple(_line(line, names.get(line.subject_id, OrderName())) for line in lines),
                paging=paging(f"/statements/{statement_id}", {}, page=page, total=row.lines_count, shown=len(lines)),
                seal=await seal_of(unit, row),
                forms=tuple(FileForm),
                root=root or "",
                is_again=again == "yes",
                findings=() if checked is None else findings_of(checked),
            )
            return await desk.page(request, unit, "console/statement.html", view)

    @get("/{statement_id:uuid}/file")
    async def file(
        self,
        request: ConsoleRequest,
        desk: Desk,
        statement_id: UUID,
        form: Annotated[FileForm, Parameter(query="format")],
    ) -> Response[bytes]:
        """All of it as a file, in the reader's language.

        Raises:
            StatementTooLong, StatementTorn.
        """
        async with desk.unit(request, "console.statement_file") as unit:
            paper = await read_paper(unit, statement_id, printed=form is FileForm.PDF)
        return await statement_file(paper, form, desk.renderer.catalogues, locale_of(request), CONSOLE_HEADERS)


def findings_of(checked: StatementCheck) -> tuple[Finding, ...]:
    """What a check found, in the order in which one thing rests on another."""
    found = {
        "totals": checked.totals_hold,
        "lines": checked.lines_hold,
        "day": checked.day_holds,
        "root": checked.root_matches,
    }
    return tuple(Finding(what=what, holds=holds) for what, holds in found.items() if holds is not None)


def _line(line: DrawnLine, name: OrderName) -> StatementLine:
    return StatementLine(
        kind=line.kind,
        at=line.event_at,
        number=line.sequence,
        order_id=str(line.subject_id) if line.subject_kind == ORDER else "",
        order_no=name.order_no,
        title=name.title,
        earned=line.earned,
    )
