"""The split pages: who earns what of which sale, tried on a sale before it is believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import Controller, MediaType, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from litestar.status_codes import HTTP_200_OK, HTTP_422_UNPROCESSABLE_ENTITY

from hutong.core.errors import HutongError
from hutong.db.unit import Unit
from hutong.ledger.parties import create_party, introduce
from hutong.ledger.queries import party_names
from hutong.ledger.receivers import set_receiver
from hutong.ledger.rule_terms import RuleKind
from hutong.ledger.split_rules import end_rule
from hutong.ledger.split_terms import (
    RETURN_WINDOW_DAYS_DEFAULT,
    RETURN_WINDOW_DAYS_MAX,
    SplitTerms,
    get_terms,
    set_terms,
)
from hutong.links.queries import channel_choices, links_page
from hutong.merchants.queries import this_merchant
from hutong.platforms.sharing import ReceiverKind, ShareReceiver
from hutong.shops.names import OrderName
from hutong.shops.orders import OWN
from hutong.shops.queries import OrderFilter, orders_page, sku_choices
from hutong.web.console.desk import ConsoleRequest, Desk, go_to
from hutong.web.console.split_forms import rule_of
from hutong.web.console.split_reading import party_items, rule_items, tried
from hutong.web.console.split_views import RuleFormView, SplitsView, TryForm
from hutong.web.console.typed import ChoiceUnknown, FieldBlank, typed_count, typed_rate
from hutong.web.errors import text_for
from hutong.web.labels import mark
from hutong.web.languages import locale_of
from hutong.web.told import Told
from hutong.workflows.commands.sold import expected_wallet
from hutong.workflows.commands.split_rule import make_split_rule

ORDERS_OFFERED: Final = 20
LINKS_OFFERED: Final = 100


class PartyForm(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who shall earn shares, and who brought them (empty: nobody)."""

    name: str
    introduced_by: str = ""


class TermsForm(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds of all rules: a number of per cent, and days."""

    total_cap: str
    return_window_days: str

    def terms(self) -> SplitTerms:
        """The bounds, read.

        Raises:
            FieldBlank, RateUnreadable, CountUnreadable: with the field's name on the form.
        """
        return SplitTerms(
            total_cap_bps=typed_rate(self.total_cap, mark("一笔销售最多分出百分之几")),
            return_window_days=typed_count(
                self.return_window_days,
                mark("几天之后才算数（退货期）"),
                0,
                RETURN_WINDOW_DAYS_MAX,
                RETURN_WINDOW_DAYS_DEFAULT,
            ),
        )


class ReceiverForm(msgspec.Struct, frozen=True, kw_only=True):
    """Where a wallet pays a party."""

    platform: str
    kind: ReceiverKind
    account_ref: str
    name: str = ""

    def __repr__(self) -> str:
        return f"ReceiverForm({self.platform})"


class SplitsController(Controller):
    """The split pages."""

    path = "/splits"
    include_in_schema = False

    @get("/")
    async def show(
        self, request: ConsoleRequest, desk: Desk, order: str = "", amount: str = "", channel: str = ""
    ) -> Response[str]:
        """Rules, parties, bounds, and a sale to try the rules on."""
        form = TryForm(order=order.strip(), amount=amount.strip(), channel=channel)
        async with desk.unit(request, "console.splits") as unit:
            names = await party_names(unit)
            picture = None
            try:
                wallet = await expected_wallet(desk.runtime, unit)
                picture = await tried(unit, form, (await this_merchant(unit)).currency, names, wallet)
            except HutongError as problem:
                text = text_for(problem, locale_of(request), desk.renderer.catalogues)
                form = msgspec.structs.replace(form, problem=f"{text.sentence}{text.fix}")
            wallets = wallets_that_share(desk)
            recent = await orders_page(unit, OrderFilter(source=OWN), limit=ORDERS_OFFERED, offset=0)
            view = SplitsView(
                rules=await rule_items(unit, names),
                parties=await party_items(unit, desk.runtime, wallets),
                terms=await get_terms(unit),
                wallets=wallets,
                channels=await channel_choices(unit),
                orders=tuple(
                    (row.order_no, OrderName(order_no=row.order_no, title=row.first_title)) for row in recent.rows
                ),
                tried=form,
                picture=picture,
            )
            return await desk.page(request, unit, "console/splits.html", view)

    @get("/new")
    async def ask(self, request: ConsoleRequest, desk: Desk, kind: str = RuleKind.PERCENT.value) -> Response[str]:
        """The form for a rule of a kind."""
        async with desk.unit(request, "console.rule_form") as unit:
            view = await form_view(unit, {"kind": kind})
            return await desk.page(request, unit, "console/rule_form.html", view)

    @post("/rules", media_type=MediaType.HTML, status_code=HTTP_200_OK)
    async def make(
        self,
        request: ConsoleRequest,
        desk: Desk,
        data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Response[str]:
        """Make a rule; a refusal comes back with the form and the reason."""
        try:
            async with desk.unit(request, "console.rule_make") as unit:
                await make_split_rule(unit, rule_of(data, (await this_merchant(unit)).currency))
        except HutongError as refusal:
            text = text_for(refusal, locale_of(request), desk.renderer.catalogues)
            async with desk.unit(request, "console.rule_refused") as unit:
                view = await form_view(unit, data)
                view = msgspec.structs.replace(view, sentence=text.sentence, cause=text.cause, fix=text.fix)
                answer = await desk.page(request, unit, "console/rule_form.html", view)
            answer.status_code = HTTP_422_UNPROCESSABLE_ENTITY
            return answer
        return go_to("/splits")

    @post("/rules/{rule_id:uuid}/end")
    async def end(self, request: ConsoleRequest, desk: Desk, rule_id: UUID) -> Redirect:
        """Stop a rule; sales that were shared stay shared."""
        async with desk.unit(request, "console.rule_end") as unit:
            await end_rule(unit, rule_id)
        return go_to("/splits")

    @post("/terms")
    async def bound(
        self,
        request: ConsoleRequest,
        desk: Desk,
        data: Annotated[TermsForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Redirect:
        """Change how much of a sale may be shared, and when shares are sure."""
        terms = data.terms()
        async with desk.unit(request, "console.split_terms") as unit:
            await set_terms(unit, terms)
        return go_to("/splits")

    @post("/parties")
    async def add_party(
        self,
        request: ConsoleRequest,
        desk: Desk,
        data: Annotated[PartyForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Redirect:
        """Somebody who may earn shares."""
        if not data.name.strip():
            raise FieldBlank(label=Told(mark("怎么称呼")))
        async with desk.unit(request, "console.party") as unit:
            party_id = await create_party(unit, name=data.name)
            if data.introduced_by:
                await introduce(unit, party_id, _id(data.introduced_by))
        return go_to("/splits")

    @post("/parties/{party_id:uuid}/receivers")
    async def add_receiver(
        self,
        request: ConsoleRequest,
        desk: Desk,
        party_id: UUID,
        data: Annotated[ReceiverForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Redirect:
        """Where a wallet pays a party; sealed at once."""
        if data.platform not in wallets_that_share(desk):
            raise ChoiceUnknown(label=Told(mark("钱包")))
        receiver = ShareReceiver(kind=data.kind, account_ref=data.account_ref.strip(), name=data.name.strip())
        async with desk.unit(request, "console.receiver") as unit:
            await set_receiver(unit, desk.runtime.vault, party_id, data.platform, receiver)
        return go_to("/splits")


def wallets_that_share(desk: Desk) -> tuple[str, ...]:
    """Wallets that can pay parties themselves."""
    return tuple(one.name for one in desk.runtime.registry.all() if one.share_receivers is not None)


async def form_view(unit: Unit, given: Mapping[str, str]) -> RuleFormView:
    """The form of a kind with everything that can be chosen in it."""
    kinds = tuple(kind.value for kind in RuleKind)
    kind = given.get("kind", "")
    links = await links_page(unit, limit=LINKS_OFFERED, offset=0)
    return RuleFormView(
        kind=kind if kind in kinds else kinds[0],
        kinds=kinds,
        parties=tuple((str(party_id), name) for party_id, name in (await party_names(unit)).items()),
        channels=await channel_choices(unit),
        links=tuple((str(row.link_id), row.title) for row in links.rows),
        skus=await sku_choices(unit),
        given={name: value for name, value in given.items() if not name.startswith("_")},
    )


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ChoiceUnknown(label=Told(mark("谁介绍来的"))) from None
