"""Pages as HTML: small, safe, complete; no browser needed."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import msgspec
import pytest

from hutong.core.money import Money
from hutong.payments.shop_codes import CodeRoom
from hutong.web.buyer.pages import (
    LINK_UNKNOWN,
    PAGE_BYTES_MAX,
    BuyerPages,
    CheckoutPage,
    PayButton,
    Receipt,
    ReceiptRefund,
    ShopCodePage,
)
from hutong.web.charts import BarChart, chart_json
from hutong.web.console.paging import PAGE_NUMBER_MAX, PAGE_ROWS, page_offset, paging
from hutong.web.console.views import ErrorView
from hutong.web.i18n import LOCALES
from hutong.web.labels import LABELS
from hutong.web.qr import qr_svg
from hutong.web.render import Renderer
from hutong.web.scene import Scene
from hutong.web.tones import TONES

HOSTILE = "<script>alert(1)</script>\"'&"


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


def checkout(**changes) -> CheckoutPage:
    values = {
        "checkout_id": "018f0000-0000-7000-8000-000000000001",
        "shop": "老李日用百货",
        "title": "杯子",
        "quantity": 1,
        "amount": Money.fen(4990),
        "state": "open",
        "container": "wechat",
        "layout": "go",
        "buttons": (PayButton(platform="wechatpay", method="jsapi", is_default=True),),
        "address": f"https://shop.example.cn/c/018f0000-0000-7000-8000-000000000001?h={'a' * 24}",
    }
    return CheckoutPage(**{**values, **changes})


BUTTONS = tuple(
    PayButton(platform=platform, method=method)
    for method in ("page", "native")
    for platform in ("wechatpay", "alipay", "douyinpay")
)
AT = datetime(2026, 11, 23, 5, 42, tzinfo=UTC)
ROOM = CodeRoom(
    payment_max=Money.fen(50_000),
    buyer_day_max=Money.fen(50_000),
    code_day_max=Money.fen(2_000_000),
    left=Money.fen(1_999_999),
)
REFUND = ReceiptRefund(amount=Money.fen(100), state="succeeded", is_automatic=False, at=AT)
RECEIPT = Receipt(
    order_no="261123K7QX1MPA",
    platform="wechatpay",
    transaction_id="4200002611202611230000000001",
    paid_at=AT,
    refunded=Money.fen(4990),
    refunds=(REFUND,) * 50,  # as many as a wallet allows
)


@pytest.mark.parametrize("locale", LOCALES)
def test_buyers_pages_are_small_and_carry_everything_with_them(renderer, locale):
    """Style, script and QR included, in the widest case of each page."""
    pages = BuyerPages(renderer)
    code = ShopCodePage(
        code="k7Qx1mPa",
        shop="店",
        title="门口" * 20,
        currency="CNY",
        room=ROOM,
    )
    answers = [
        pages.checkout(checkout(title="很长的商品名称" * 12), locale),
        pages.checkout(checkout(layout="choose", buttons=BUTTONS, problem="问题" * 40), locale),
        pages.checkout(checkout(layout="scan", container="desktop", buttons=BUTTONS, room=ROOM), locale),
        pages.checkout(checkout(layout="scan", container="wechat_mini", buttons=()), locale),
        pages.checkout(checkout(state="waiting"), locale),
        pages.checkout(checkout(state="paid", receipt=RECEIPT), locale),
        pages.checkout(checkout(state="closed", receipt=RECEIPT), locale),
        pages.shop_code(code, locale),
        pages.message(LINK_UNKNOWN, locale, 404),
        pages.desktop(
            shop="店", title="杯子", price=Money.fen(1), address="https://shop.example.cn/l/abcdefg", locale=locale
        ),
    ]
    for answer in answers:
        html = answer.content
        assert len(html.encode()) <= PAGE_BYTES_MAX
        assert not re.search(r'(src|href)="(?!data:,)', html), "nothing is fetched from anywhere"


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("left", [Money.fen(1_876_550), Money.fen(0)])
def test_a_shop_codes_limits_are_told_before_anybody_pays(renderer, locale, left):
    """Where the amount is typed, and at the cash desk to which a fixed one leads; a full day sends to the till."""
    pages, room = BuyerPages(renderer), msgspec.structs.replace(ROOM, left=left)
    typed = pages.shop_code(
        ShopCodePage(code="k7Qx1mPa", shop="店", title="门口", currency="CNY", room=room), locale
    ).content
    fixed = pages.checkout(checkout(quantity=0, room=room), locale).content
    day = ["20,000.00", "18,765.50"] if left.amount_minor else ["20,000.00"]
    one = ["500.00"] if left.amount_minor else []
    for html, told in ((typed, ["500.00", "500.00", *day]), (fixed, [*one, *day])):
        limits = re.search(r'<p id="limits">(.*?)</p>', html)[1]
        assert re.findall(r"[\d,]+\.\d\d", limits) == told
    assert 'id="limits"' not in pages.checkout(checkout(), locale).content
    assert 'id="limits"' not in pages.checkout(checkout(state="paid", receipt=RECEIPT, room=room), locale).content


def test_large_type_is_asked_for_by_address(renderer):
    pages = BuyerPages(renderer)
    assert 'class="big"' in pages.checkout(checkout(), "zh-Hans", is_big=True).content
    assert 'class="big"' not in pages.checkout(checkout(), "zh-Hans").content


def test_a_nonce_is_used_once_and_named_in_the_policy(renderer):
    pages = BuyerPages(renderer)
    first, second = pages.checkout(checkout(), "zh-Hans"), pages.checkout(checkout(), "zh-Hans")
    nonces = [re.findall(r'nonce="([^"]+)"', answer.content) for answer in (first, second)]
    assert len(set(nonces[0])) == len(set(nonces[1])) == 1
    assert nonces[0][0] != nonces[1][0]
    policy = first.headers["content-security-policy"]
    assert f"script-src 'nonce-{nonces[0][0]}'" in policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


def test_hostile_words_stay_words(renderer):
    html = BuyerPages(renderer).checkout(checkout(title=HOSTILE, shop=HOSTILE, problem=HOSTILE), "zh-Hans").content
    assert "<script>alert" not in html
    assert html.count("&lt;script&gt;") == 4
    view = ErrorView(status=404, sentence=HOSTILE, cause=HOSTILE, fix=HOSTILE)
    assert "<script>alert" not in renderer.page("errors/page.html", view, Scene(path="/x"))


def test_chart_data_cannot_end_its_script_element():
    chart = BarChart(labels=("</script><b>",), values=(1,), value_texts=("&",), title="t")
    text = str(chart_json(chart))
    assert "<" not in text
    assert msgspec.json.decode(text)["labels"] == ["</script><b>"]
    with pytest.raises(ValueError, match="chart"):
        BarChart(labels=(), values=(1,), value_texts=(), title="t")


def test_assets_carry_the_digest_of_their_content(renderer):
    assert re.fullmatch(r"/static/console\.css\?v=[0-9a-f]{10}", renderer.asset("console.css"))


def test_a_qr_is_an_svg_of_limited_length():
    assert qr_svg("https://shop.example.cn/l/abc", "名").startswith("<svg")
    for text in ("", "x" * 1001):
        with pytest.raises(ValueError, match="QR"):
            qr_svg(text, "名")


def test_paging_finds_its_neighbours():
    first = paging("/orders", {"source": "taobao", "search": ""}, page=1, total=95, shown=PAGE_ROWS)
    assert (first.first, first.last, first.previous_href) == (1, PAGE_ROWS, "")
    assert first.next_href == "/orders?source=taobao&page=2"
    second = paging("/orders", {}, page=2, total=95, shown=PAGE_ROWS)
    assert second.previous_href == "/orders"
    last = paging("/orders", {}, page=4, total=95, shown=5)
    assert (last.first, last.last, last.next_href) == (91, 95, "")
    assert paging("/orders", {}, page=1, total=0, shown=0).first == 0
    assert page_offset(-3) == 0
    assert page_offset(10**9) == (PAGE_NUMBER_MAX - 1) * PAGE_ROWS


def test_every_toned_value_has_a_name():
    unnamed = [(kind, value) for kind, tones in TONES.items() for value in tones if value not in LABELS[kind]]
    assert unnamed == []
