"""Every value that the domains know has a name on the pages: a new state without one fails here."""

from __future__ import annotations

import pytest

from hutong.ledger.accounts import ROOTS
from hutong.ledger.commission_states import CommissionState
from hutong.ledger.payouts import PAYOUT, SHARE, TAKE_BACK, OutsideReason
from hutong.ledger.rule_terms import RuleBase, RuleKind
from hutong.ledger.rules import CutReason
from hutong.ledger.sales import REFUND, SALE, SUSPENSE, SUSPENSE_RETURN
from hutong.links.containers import classify
from hutong.links.service import ChannelKind
from hutong.merchants.connections import Mode
from hutong.merchants.staff import Role
from hutong.merchants.tickets import Severity, TicketKind
from hutong.payments.states import AttemptState, PaymentState, RefundState, ShopCodeState
from hutong.platforms.contract import Proof
from hutong.platforms.payments import PayMethod
from hutong.platforms.registry import Registry
from hutong.shops.states import OrderState
from hutong.shops.stock import MoveKind
from hutong.web.console.book_words import account_name
from hutong.web.console.ticket_texts import TEXTS, ticket_text
from hutong.web.format import Formats
from hutong.web.labels import LABELS, label_of
from hutong.web.tones import tone_of

ENUMS = {
    "order_status": OrderState,
    "payment_status": PaymentState,
    "attempt_status": AttemptState,
    "refund_status": RefundState,
    "stock_move": MoveKind,
    "channel_kind": ChannelKind,
    "severity": Severity,
    "role": Role,
    "mode": Mode,
    "proof": Proof,
    "pay_method": PayMethod,
    "rule_kind": RuleKind,
    "rule_base": RuleBase,
    "cut_reason": CutReason,
    "commission_status": CommissionState,
    "outside_reason": OutsideReason,
    "shop_code_state": ShopCodeState,
}


@pytest.mark.parametrize("kind", ENUMS)
def test_every_state_has_a_name_and_no_name_is_left_over(kind):
    assert set(LABELS[kind]) == {member.value for member in ENUMS[kind]}


def test_buyers_come_from_an_app_and_sales_close_in_a_shop():
    assert (label_of("source", "douyin"), label_of("carrier", "douyin")) == ("抖音", "抖音小店")
    assert {label_of("source", name) for name in ("direct", "own", "weibo", "other")} == {
        "自己的客人", "互通收银台", "微博", "线下与其他",
    }  # fmt: skip


def test_other_values_have_names():
    assert {SALE, REFUND, SUSPENSE, SUSPENSE_RETURN, SHARE, TAKE_BACK, PAYOUT} <= set(LABELS["book_kind"])
    assert {kind.value for kind in TicketKind} == set(TEXTS)
    capabilities = {name for connector in Registry.from_entry_points().all() for name in connector.capabilities()}
    assert capabilities <= set(LABELS["capability"])
    agents = ["MicroMessenger/8.0", "wxwork/4", "__weibo__", "Kwai/", "ksNebula/", "AliApp(TB/", "AliApp(TM/", "iPhone"]
    assert {classify(agent).container for agent in agents} <= set(LABELS["container"])


def test_a_value_without_a_name_is_shown_as_it_is():
    assert label_of("order_status", "teleported") == "teleported"
    assert tone_of("order_status", "teleported") == "mute"


def test_accounts_have_names():
    assert {account_name(f"{root}:x", {}).label for root in ROOTS if root != "expense"} <= set(LABELS["account"])
    assert account_name("wallet:wechatpay:1", {}).platform == "wechatpay"
    assert account_name("expense:wallet_fee", {}).label == "wallet_fee"
    odd = account_name("expense:rent", {})
    assert (odd.label, odd.party) == ("other", "expense:rent")


def test_a_ticket_speaks_even_when_a_detail_is_missing(make_ticket):
    formats = Formats("zh-Hans")
    details = {"amount_minor": 4990, "currency": "CNY"}
    sentence, cause, fix = ticket_text(make_ticket("refund_abnormal", details), str, formats)
    assert "¥49.90" in sentence
    assert cause
    assert fix
    assert "–" in ticket_text(make_ticket("refund_abnormal", {}), str, formats)[0]
    assert "meteor" in ticket_text(make_ticket("meteor", {}), str, formats)[0]


def test_a_certificate_is_called_as_the_form_calls_it(make_ticket):
    details = {"platform": "alipay", "title": "总店", "certificate": "alipay_root_cert", "ends_on": "2026-12-17"}
    told = ticket_text(make_ticket("certificate_ending", details), str, Formats("zh-Hans"))
    assert told[0] == "账户“总店”（支付宝）的“支付宝根证书”有效期到 2026-12-17。"
    assert "收款和退款都会停下" in told[1]
    assert "平台连接" in told[2]


def test_a_notice_without_a_sum_promises_no_suspense(make_ticket):
    formats = Formats("zh-Hans")
    details = {"field": "transaction_id", "amount_minor": 4990, "currency": "CNY", "out_trade_no": "HT1"}
    sentence, cause, _ = ticket_text(make_ticket("notice_mismatched", details), str, formats)
    assert "¥49.90" in sentence
    assert "交易号" in cause
    assert "记入待查" in cause
    sentence, cause, _ = ticket_text(make_ticket("notice_mismatched", {**details, "amount_minor": 0}), str, formats)
    assert "¥" not in sentence
    assert "HT1" in sentence
    assert "记入待查" not in cause
