"""What ties orders to links: visits that are told, words of links, evidence of orders."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post

from hutong.db.unit import Unit
from hutong.links.attribution.queries import words_of
from hutong.links.attribution.service import WordKind, add_word
from hutong.links.service import get_link
from hutong.links.tokens import CARRIED_TOKEN_CHARS_MAX
from hutong.merchants.keys import ApiKey
from hutong.web.api.bodies import Line, RequestBody, Word
from hutong.web.api.callers import once
from hutong.workflows.commands.tie_orders import tell_evidence, tell_visit
from hutong.workflows.runtime import Runtime

ORDER_NO_CHARS_MAX: Final = 64

Token = Annotated[str, msgspec.Meta(max_length=CARRIED_TOKEN_CHARS_MAX)]
OrderNo = Annotated[str, msgspec.Meta(min_length=1, max_length=ORDER_NO_CHARS_MAX)]


class NewVisit(RequestBody, frozen=True, kw_only=True):
    """A launch or page view that brought a click's id: ``cq`` as it came; ``visitor``: your own id of the person."""

    cq: Token
    visitor: Line = ""


class VisitTaken(msgspec.Struct, frozen=True, kw_only=True):
    """The click and its link; ``is_new`` false: it was told before."""

    click_id: UUID
    link_id: UUID
    is_new: bool


class NewEvidence(RequestBody, frozen=True, kw_only=True):
    """What an order came by: ``cq``, the click's id as it came, or ``word``, a word or coupon of a link.

    ``source`` and ``order_no`` as ``GET /orders`` has them; an order that is not known yet takes it when it is.
    """

    source: Word
    order_no: OrderNo
    cq: Token = ""
    word: Word = ""


class EvidenceTaken(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the order is known; if not, the evidence waits for it."""

    is_known: bool


class NewWord(RequestBody, frozen=True, kw_only=True):
    """A word for buyers to give, or a coupon that only this link gives out; empty: a short one is made."""

    word: Word = ""
    kind: WordKind = WordKind.CODE


class WordItem(msgspec.Struct, frozen=True, kw_only=True):
    """A word of a link."""

    word: str
    kind: str


class WordsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The words of a link, the oldest first."""

    items: tuple[WordItem, ...]


class TiesApi(Controller):
    """What ties orders to links."""

    path = "/api/v1"
    tags = ["Links"]

    @post("/visits", opt={"scope": "links:write"}, summary="Tell that a click arrived")
    async def visit(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, data: NewVisit
    ) -> Response[bytes]:
        """Your mini-program or page was opened with a click's id. Telling it again changes nothing."""

        async def work(unit: Unit) -> VisitTaken:
            told = await tell_visit(runtime, unit, data.cq, data.visitor)
            return VisitTaken(click_id=told.click_id, link_id=told.link_id, is_new=told.is_new)

        return await once(runtime, caller, request, "api.visit", work)

    @post("/orders/evidence", opt={"scope": "orders:write"}, summary="Tell what an order came by")
    async def evidence(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, data: NewEvidence
    ) -> Response[bytes]:
        """Stronger evidence replaces weaker, never the other way round, whenever it comes."""

        async def work(unit: Unit) -> EvidenceTaken:
            known = await tell_evidence(runtime, unit, data.source, data.order_no, click=data.cq, word=data.word)
            return EvidenceTaken(is_known=known)

        return await once(runtime, caller, request, "api.evidence", work)

    @post("/links/{link_id:uuid}/words", opt={"scope": "links:write"}, summary="Give a link a word or coupon")
    async def add(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, link_id: UUID, data: NewWord
    ) -> Response[bytes]:
        """Orders in whose remarks the word stands are this link's."""

        async def work(unit: Unit) -> WordItem:
            return WordItem(word=await add_word(unit, link_id, data.kind, data.word), kind=data.kind.value)

        return await once(runtime, caller, request, "api.word", work)

    @get("/links/{link_id:uuid}/words", opt={"scope": "links:read"}, summary="Words of a link")
    async def words(self, runtime: Runtime, caller: ApiKey, link_id: UUID) -> WordsAnswer:
        """What buyers can give to be counted by this link."""
        async with runtime.unit(caller.merchant_id, "api.words") as unit:
            await get_link(unit, link_id)
            found = await words_of(unit, link_id)
        return WordsAnswer(items=tuple(WordItem(word=word, kind=kind) for word, kind in found))
