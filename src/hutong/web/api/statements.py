"""Statements: drawn once, read line by line or taken as a file, sealed and held against the books."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIResponse, OpenAPIType, Operation, Schema
from litestar.params import Parameter

from hutong.ledger.queries import StatementRow, one_statement, statements_page
from hutong.ledger.service import draw_statement
from hutong.ledger.statement_details import ShareNow, detailed_lines
from hutong.ledger.statement_seals import StatementSeal, check_statement, root_of_text, seal_of
from hutong.merchants.keys import ApiKey
from hutong.web.api.bodies import RequestBody
from hutong.web.api.callers import once
from hutong.web.api.catalogue import Limit, Offset
from hutong.web.console.desk import Desk
from hutong.web.i18n.locales import DEFAULT_LOCALE, known_locale
from hutong.web.papers.answers import MEDIA_TYPES, FileForm, statement_file
from hutong.web.papers.reading import read_paper, with_names
from hutong.workflows.runtime import Runtime

JSON: Final = "json"
FORMATS: Final = (JSON, *FileForm)
_FILE_HEADERS: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class NewStatement(RequestBody, frozen=True, kw_only=True):
    """A period of a party: from ``start_at``, before ``end_at``."""

    party_id: UUID
    start_at: datetime
    end_at: datetime


class SealItem(msgspec.Struct, frozen=True, kw_only=True):
    """The seal; hashes are hexadecimal. ``is_sealed`` false: ``day`` and ``root`` are not there yet, and the chain's
    end, which nobody promised to keep, stands alone.
    """

    is_sealed: bool
    period_last_day: date
    last_line_sequence: int
    day: date | None
    zone: str | None
    root: str | None
    day_last_sequence: int | None
    day_chain_hash: str | None
    chain_batches: int
    chain_hash: str


class LineItem(msgspec.Struct, frozen=True, kw_only=True):
    """A line: what the party earned of a sale, or what a refund took back (below zero)."""

    sequence: int
    kind: str
    order_id: UUID
    order_no: str
    title: str
    channel: str
    event_at: datetime
    earned_minor: int
    currency: str
    share: ShareNow | None


class StatementAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A statement with its seal and a page of its lines; ``statement.lines_count`` says how many there are."""

    statement: StatementRow
    seal: SealItem
    lines: tuple[LineItem, ...]


class CheckAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was found; null where there was nothing to hold it against."""

    statement_id: UUID
    is_sound: bool
    totals_hold: bool
    lines_hold: bool
    day_holds: bool | None
    root_matches: bool | None
    seal: SealItem


@dataclass
class FileOperation(Operation):
    """Tells in the API's description that the answer may be a file."""

    def __post_init__(self) -> None:
        """Add the files' media types to the good answer."""
        answer = (self.responses or {})["200"]
        assert isinstance(answer, OpenAPIResponse)
        assert answer.content is not None
        for media_type in MEDIA_TYPES.values():
            schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
            answer.content[media_type.partition(";")[0]] = OpenAPIMediaType(schema=schema)


class StatementsApi(Controller):
    """What each party earned in each period."""

    path = "/api/v1/statements"
    tags = ["Books"]

    @get("/", opt={"scope": "ledger:read"}, summary="Drawn statements")
    async def list_statements(
        self, runtime: Runtime, caller: ApiKey, limit: Limit, offset: Offset, party_id: UUID | None = None
    ) -> dict[str, Any]:
        """Statements, of one party where one is named; the latest period first."""
        async with runtime.unit(caller.merchant_id, "api.statements") as unit:
            page = await statements_page(unit, party_id, limit=limit, offset=offset)
        return {"items": [msgspec.to_builtins(row) for row in page.rows], "total": page.total}

    @post("/", opt={"scope": "ledger:write"}, summary="Draw a statement")
    async def make_statement(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, data: NewStatement
    ) -> Response[bytes]:
        """Draw a party's statement; the same period again gives the same figures."""
        return await once(
            runtime,
            caller,
            request,
            "api.statement",
            lambda unit: draw_statement(unit, data.party_id, data.start_at, data.end_at),
        )

    @get(
        "/{statement_id:uuid}",
        opt={"scope": "ledger:read"},
        summary="One statement, as JSON or as a file",
        operation_class=FileOperation,
        responses={
            200: ResponseSpec(
                StatementAnswer,
                description="Where format is csv, xlsx or pdf: that file, all lines in it, as an attachment.",
                generate_examples=False,
            )
        },
    )
    async def one(
        self,
        desk: Desk,
        runtime: Runtime,
        caller: ApiKey,
        statement_id: UUID,
        limit: Limit,
        offset: Offset,
        form: Annotated[
            str,
            Parameter(query="format", pattern=f"^({'|'.join(FORMATS)})$", default=JSON, description="json or a file"),
        ],
        lang: Annotated[str, Parameter(default=DEFAULT_LOCALE, description="Of a file: zh-Hans, zh-Hant or en")],
    ) -> Response[Any]:
        """Each line with its order, channel and rule, what became of the share, and how it was paid; and the seal."""
        if form != JSON:
            file_form = FileForm(form)
            async with runtime.unit(caller.merchant_id, "api.statement_file") as unit:
                paper = await read_paper(unit, statement_id, printed=file_form is FileForm.PDF)
            locale = known_locale(lang) or DEFAULT_LOCALE
            return await statement_file(paper, file_form, desk.renderer.catalogues, locale, _FILE_HEADERS)
        async with runtime.unit(caller.merchant_id, "api.statement_read") as unit:
            row = await one_statement(unit, statement_id)
            lines = await with_names(unit, await detailed_lines(unit, row, limit=limit, offset=offset))
            seal = await seal_of(unit, row)
        answer = StatementAnswer(
            statement=row,
            seal=seal_item(seal),
            lines=tuple(
                LineItem(
                    sequence=one.line.sequence,
                    kind=one.line.kind,
                    order_id=one.line.order_id,
                    order_no=one.order.order_no,
                    title=one.order.title,
                    channel=one.channel,
                    event_at=one.line.event_at,
                    earned_minor=one.line.earned.amount_minor,
                    currency=one.line.earned.currency,
                    share=one.share,
                )
                for one in lines
            ),
        )
        return Response(answer)

    @get("/{statement_id:uuid}/check", opt={"scope": "ledger:read"}, summary="Hold a statement against the books")
    async def check(self, runtime: Runtime, caller: ApiKey, statement_id: UUID, root: str = "") -> CheckAnswer:
        """Whether its lines add up and are what was hashed, the day's root still holds, and ``root`` (from a paper) is
        that root.
        """
        async with runtime.unit(caller.merchant_id, "api.statement_check") as unit:
            found = await check_statement(unit, statement_id, root_of_text(root))
        return CheckAnswer(
            statement_id=statement_id,
            is_sound=found.is_sound,
            totals_hold=found.totals_hold,
            lines_hold=found.lines_hold,
            day_holds=found.day_holds,
            root_matches=found.root_matches,
            seal=seal_item(found.seal),
        )


def seal_item(seal: StatementSeal) -> SealItem:
    """A seal as the API tells it."""
    day = seal.day
    return SealItem(
        is_sealed=day is not None,
        period_last_day=seal.period_last_day,
        last_line_sequence=seal.last_line_sequence,
        day=None if day is None else day.day,
        zone=None if day is None else day.zone,
        root=None if day is None else day.root.hex(),
        day_last_sequence=None if day is None else day.last_sequence,
        day_chain_hash=None if day is None else day.chain_hash.hex(),
        chain_batches=seal.chain.batches_count,
        chain_hash=seal.chain.hash.hex(),
    )
