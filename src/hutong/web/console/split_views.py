"""What the split pages show."""

from __future__ import annotations

from uuid import UUID

from hutong.core.money import Money
from hutong.ledger.commission_queries import CommissionTotals
from hutong.ledger.party_pages import PageLink
from hutong.ledger.rule_terms import Rule
from hutong.ledger.split_terms import SplitTerms
from hutong.links.queries import ChannelChoice
from hutong.shops.names import OrderName
from hutong.shops.queries import SkuChoice
from hutong.web.console.views import View
from hutong.web.creator.views import CreatorPage


class ScopeName(View, frozen=True, kw_only=True):
    """One thing that a rule is narrowed to: ``kind`` is a word of the catalogue, ``name`` is the merchant's."""

    kind: str
    name: str


class Step(View, frozen=True, kw_only=True):
    """A step of a tier."""

    from_amount: Money
    rate_bps: int


class RuleItem(View, frozen=True, kw_only=True):
    """A rule with the names of what it is about, and its amounts as money."""

    rule: Rule
    party: str
    scopes: tuple[ScopeName, ...]
    amount: Money
    steps: tuple[Step, ...]
    order_max: Money | None
    period_max: Money | None


class ReceiverItem(View, frozen=True, kw_only=True):
    """A party's account at a wallet, as much of it as may be seen."""

    platform: str
    masked: str


class PartyItem(View, frozen=True, kw_only=True):
    """Somebody who earns shares: what is still open, and where wallets may pay."""

    party_id: UUID
    name: str
    introducer: str
    totals: tuple[CommissionTotals, ...]
    receivers: tuple[ReceiverItem, ...]


class CutItem(View, frozen=True, kw_only=True):
    """Why somebody gets less than the rule says."""

    reason: str
    amount: Money


class Piece(View, frozen=True, kw_only=True):
    """A piece of the price: whose it is (``kind``: party, fee, refunded, yours), drawn as ``start``, ``width`` of it.

    ``back``: what refunds took of it; ``amount`` is what is left.
    """

    kind: str
    name: str
    rule_kind: str
    amount: Money
    cuts: tuple[CutItem, ...]
    back: Money
    tone: int
    start: int
    width: int


class Picture(View, frozen=True, kw_only=True):
    """A sale shared out. ``order`` is empty where the sale is made up."""

    order: OrderName
    gross: Money
    pieces: tuple[Piece, ...]
    limit: Money
    fee: Money
    shared: Money
    refunded: Money
    net: Money


class TryForm(View, frozen=True, kw_only=True):
    """What was tried, as it was typed; ``problem``: why it could not be."""

    order: str = ""
    amount: str = ""
    channel: str = ""
    problem: str = ""


class SplitsView(View, frozen=True, kw_only=True):
    """The splits page."""

    rules: tuple[RuleItem, ...]
    parties: tuple[PartyItem, ...]
    terms: SplitTerms
    wallets: tuple[str, ...]
    channels: tuple[ChannelChoice, ...]
    orders: tuple[tuple[str, OrderName], ...]
    tried: TryForm
    picture: Picture | None


class RuleFormView(View, frozen=True, kw_only=True):
    """The form for a new rule: its fields follow the kind. ``given`` is what was typed before a refusal."""

    kind: str
    kinds: tuple[str, ...]
    parties: tuple[tuple[str, str], ...]
    channels: tuple[ChannelChoice, ...]
    links: tuple[tuple[str, str], ...]
    skus: tuple[SkuChoice, ...]
    given: dict[str, str]
    sentence: str = ""
    cause: str = ""
    fix: str = ""


class PartyView(View, frozen=True, kw_only=True):
    """A party: what it sees on its own page, and its link. ``address`` right after it was made only."""

    party_id: UUID
    name: str
    page: CreatorPage
    link: PageLink | None
    was_made: bool
    free_channels: tuple[ChannelChoice, ...]
    payable: tuple[Money, ...] = ()  # outside the wallet, now
    address: str = ""
    qr_svg: str = ""
