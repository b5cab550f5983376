"""What the page of a ticket about money in suspense says: each decision with what it does to the money, and why not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from hutong.core.money import Money, share_bps
from hutong.payments.states import SuspenseState
from hutong.payments.suspense import Decision, SuspenseView
from hutong.payments.suspense_decisions import Refusal
from hutong.web.console.ticket_texts import PAID_OTHERWISE
from hutong.web.format import Formats
from hutong.web.labels import mark

Translate = Callable[[str], str]

TITLES: Final[dict[Decision, str]] = {
    Decision.TAKE: mark("按实收金额收下"),
    Decision.SEND_BACK: mark("原路退回"),
    Decision.WRITE_OFF: mark("核销"),
}
CONFIRMS: Final[dict[Decision, str]] = {
    Decision.TAKE: mark("确认收下"),
    Decision.SEND_BACK: mark("确认退回"),
    Decision.WRITE_OFF: mark("确认核销"),
}
REASON_HINTS: Final[dict[Decision, str]] = {
    Decision.TAKE: mark("例如：和买家说好了，按实付金额成交"),
    Decision.SEND_BACK: mark("例如：买家付错了金额，让他重新付"),
    Decision.WRITE_OFF: mark("例如：查了三天，没有人认这笔钱"),
}
REFUSALS: Final[dict[Refusal, str]] = {
    Refusal.NOT_OURS: mark("这个单号不是本店这个收款账户开出的，钱包里没有我们能动的交易"),
    Refusal.FOREIGN: mark("钱包说这笔钱属于别的应用或商户号"),
    Refusal.OTHER_ORDER: mark("钱包说这笔钱是付给另一个订单的"),
    Refusal.OTHER_TRANSACTION: mark("钱包的交易号与这次付款不同"),
    Refusal.CURRENCY: mark("币种与订单不同"),
    Refusal.ORDER_PAID: mark("订单已经付过了"),
    Refusal.ORDER_CLOSED: mark("订单已经关闭"),
    Refusal.KEPT: mark("这次付款已按订单金额入账，要退请在订单里退款"),
    Refusal.SENT_BEFORE: mark("这笔钱已经决定过退回，只是钱包没有办成"),
    Refusal.GOES_BACK: mark("订单已经另外付过，这笔钱会自动原路退回"),
    Refusal.NOT_THERE: mark("再问钱包，钱包里并没有这笔钱"),
}
#: Where the money lies, by state; of what was written off, by whether it was there.
PLACES: Final[dict[SuspenseState, str]] = {
    SuspenseState.OPEN: mark("记在“待查款项”里：没有算进任何订单，也没有算进钱包余额。"),
    SuspenseState.TAKEN: mark("已按实收金额记为订单的付款。"),
    SuspenseState.RETURNING: mark("正在原路退回；退到之前仍记在“待查款项”里。"),
    SuspenseState.RETURNED: mark("已原路退回，手续费也退回了。"),
    SuspenseState.WRITTEN_OFF: mark("钱在钱包里，已核销到“不明收入”。"),
}
_NEVER_CAME: Final = mark("钱包里没有这笔钱，待查记录已了结。")
_MORE: Final = mark("订单按 %(came)s 记为已付款（应收 %(expected)s，多 %(off)s）。")
_LESS: Final = mark("订单按 %(came)s 记为已付款（应收 %(expected)s，少 %(off)s）。")
STAYS_UNPAID: Final = mark("订单仍是未付款，到时间自动关闭；没到时间买家可以重新付。")
NEVER_PAID: Final = mark("订单不会因此变成已付款。")
#: What they are for an order that was paid otherwise.
_IF_PAID: Final = dict.fromkeys((STAYS_UNPAID, NEVER_PAID), PAID_OTHERWISE)
_EFFECTS: Final[dict[Decision, tuple[str, ...]]] = {
    Decision.TAKE: (
        mark("销售收入记 %(came)s，钱包手续费约 %(fee)s；以后最多能退 %(came)s。"),
        mark("别的钱包上还开着的付款会先关掉，免得再付一次。"),
    ),
    Decision.SEND_BACK: (
        mark("%(came)s 原路退回付款人，只退一次；手续费随退款一起退回。"),
        STAYS_UNPAID,
        mark("退到之后，待查款项才会清零；钱包拒绝退款的话，这件事会回到待办。"),
    ),
    Decision.WRITE_OFF: (
        mark("钱包里有这笔钱：%(came)s 记为“不明收入”（手续费约 %(fee)s），以后不能再从这里退。"),
        mark("钱包里没有这笔钱：只了结待查记录，不影响收入。"),
        NEVER_PAID,
    ),
}


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A decision as the page offers it. ``refusal``: why it cannot be taken; empty where it can."""

    name: str
    title: str
    confirm: str
    hint: str
    effects: tuple[str, ...]
    refusal: str


def choice(
    view: SuspenseView,
    decision: Decision,
    refusal: Refusal | None,
    fee_bps: int,
    *,
    is_paid: bool = False,
    translate: Translate,
    formats: Formats,
) -> Choice:
    """A decision in the reader's language, with what it does to the money. ``is_paid``: the order was, otherwise."""
    fields = {
        "came": formats.money(view.amount),
        "fee": formats.money(Money(share_bps(view.amount.amount_minor, fee_bps), view.amount.currency)),
    }
    texts = tuple(_IF_PAID.get(text, text) if is_paid else text for text in _EFFECTS[decision])
    if decision is Decision.TAKE and refusal is None and view.expected is not None:
        off = view.amount - view.expected
        fields |= {
            "expected": formats.money(view.expected),
            "off": formats.money(-off if off.amount_minor < 0 else off),
        }
        texts = (_MORE if off.amount_minor > 0 else _LESS, *texts)
    return Choice(
        name=decision.value,
        title=translate(TITLES[decision]),
        confirm=translate(CONFIRMS[decision]),
        hint=translate(REASON_HINTS[decision]),
        effects=tuple(translate(text) % fields for text in texts),
        refusal="" if refusal is None else translate(REFUSALS[refusal]),
    )


def place_of(view: SuspenseView, translate: Translate) -> str:
    """Where the money lies now."""
    return translate(_NEVER_CAME if view.never_came else PLACES[view.state])
