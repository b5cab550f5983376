"""Bills as files: outside samples are read to the fen, and what is broken is refused with its reason."""

import asyncio
import base64
import gzip
import hashlib
import io
import json
import tracemalloc
import zipfile
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.connectors.alipay.bill_cells import Cutter
from hutong.connectors.alipay.bill_rows import COLUMNS
from hutong.connectors.alipay.bill_rows import Reader as AlipayReader
from hutong.connectors.alipay.bills import _checked as alipay_checked
from hutong.connectors.wechatpay import CONNECTOR as WECHAT
from hutong.connectors.wechatpay.bills import _checked as wechat_checked
from hutong.core.errors import PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.bill_errors import (
    BillChanged,
    BillContradicts,
    BillCut,
    BillRefused,
    BillTooLarge,
    BillUnreadable,
)
from hutong.platforms.bill_files import BILL_BYTES_MAX, LINE_CHARS_MAX, BillFile, gunzipped
from hutong.platforms.bills import BILL_ZONE, BillKind, BillStatus
from hutong.platforms.conformance.doubles import account_of
from hutong.transport.messages import Response

DAY = date(2019, 7, 25)
ALL = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注\n"
)
SUMS = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\n"
#: Rows of WxPayBillResultTest of WxJava: bill type ALL, and the row and the sums' form of its bill of refunds.
PAID = (
    "`2019-07-25 08:35:41,`WWWW,`XXXXXXXX,`0,`,`XXXXXXXXXXXXX,`XXXXXXXXXX,`XXXXXXXXXXX,`JSAPI,`SUCCESS,`PSBC_DEBIT,"
    "`CNY,`6.00,`0.00,`0,`0,`0.00,`0.00,`,`,`XXXXXX,`XXXXXXX,`0.04000,`0.60%,`6.00,`0.00,`\n"
)
REFUNDS = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,退款申请时间,退款成功时间,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,"
    "商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\n"
)
REFUNDED = (
    "`2019-07-23 20:53:36,`xxx,`xxx,`xxx,`,`xxx,`xxxx,`xxxxx,`JSAPI,`REFUND,`CFT,`CNY,`0.00,`0.00,`2019-07-23 20:53:36,"
    "`2019-07-23 20:53:40,`xxxx,`xxx,`0.01,`0.00,`ORIGINAL,`SUCCESS,`xxxx,`xxxx,`0.00000,`0.60%,`0.00,`0.01,`\n"
)
#: Of AlipayGeneralPaymentHandlerTest (com.payment.alipay.junit), as downloaded by its author.
ALIPAY_HEAD = (
    "#支付宝业务明细查询\n#账号：[20880211096256330156]\n"
    "#起始日期：[2019年09月16日 00:00:00]   终止日期：[2019年09月17日 00:00:00]\n"
    "#-----------------------------------------业务明细列表----------------------------------------\n"
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,"
    "商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,"
    "卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注\n"
)
ALIPAY_PAID = (
    "2019091622001458860515315453\t,service_1568601259302\t,交易\t,下单测试,2019-09-16 10:55:16,2019-09-16 10:55:23,"
    "alipay_store\t,alipay_store\t,alipay\t,\t,*津水(602***@qq.com)\t,0.01,0.01,0.00,0.00,0.00,0.00,0.00,,0.00\t,0.00,\t,"
    "0.00,0.00,下单测试\n"
)
ALIPAY_BACK = (
    "2019091622001458860515315453\t,service_1568601259302\t,退款\t,下单测试,2019-09-16 10:55:16,2019-09-16 10:56:48,"
    "alipay_store\t,alipay_store\t,alipay\t,\t,*津水(602***@qq.com)\t,-0.01,-0.01,0.00,0.00,0.00,0.00,0.00,,0.00\t,0.00,"
    "re_test_1568602607356\t,0.00,0.00,下单测试\n"
)
ALIPAY_TAIL = (
    "#-----------------------------------------业务明细列表结束------------------------------------\n"
    "#交易合计：1笔，商家实收共0.01元，商家优惠共0.00元\n#退款合计：1笔，商家实收退款共-0.01元，商家优惠退款共0.00元\n"
    "#导出时间：[2019年09月17日 05:46:49]\n"
)


def wechat_bill(text, *, packed=None, digest=None, encoding="utf-8"):
    plain = text.encode(encoding)
    file = BillFile(platform="wechatpay", day="2019-07-25", packed=gzip.compress(plain) if packed is None else packed)
    return wechat_checked(file, DAY, digest or hashlib.sha1(plain).hexdigest())


def alipay_bill(text, *, names=("明细", "汇总"), damage=lambda packed: packed):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            content = text if name == "明细" else "#支付宝业务汇总查询\n"
            archive.writestr(f"2088_20190916_{name}.csv", content.encode("gbk"))
    return alipay_checked(BillFile(platform="alipay", day="2019-09-16", packed=damage(packed.getvalue())), DAY)


def rows_of(bill):
    async def read():
        return [row async for row in bill.rows()]

    return asyncio.run(read())


def test_wechat_sample_is_read():
    bill = wechat_bill(ALL + PAID + SUMS + "`1,`6.00,`0.00,`0.00,`0.04000,`6.00,`0.00\n")
    [row] = rows_of(bill)
    assert (row.kind, row.own_no, row.wallet_no) == (BillKind.TRADE, "XXXXXXXXXX", "XXXXXXXXXXXXX")
    assert (row.amount, row.fee) == (Money.fen(600), Money.fen(4))
    assert row.happened_at == datetime(2019, 7, 25, 8, 35, 41, tzinfo=BILL_ZONE)
    assert bill.totals.fees == Money.fen(4)
    assert rows_of(bill) == [row]  # as often as it is asked


def test_wechat_columns_are_found_by_name():
    [row] = rows_of(wechat_bill("\ufeff" + REFUNDS + REFUNDED + SUMS + "`1,`0.00,`0.01,`0.00,`0.00000,`0.00,`0.01\n"))
    assert (row.kind, row.own_no, row.trade_no, row.raw_state) == (BillKind.REFUND, "xxx", "xxxx", "SUCCESS")
    assert (row.amount, row.is_final) == (Money.fen(1), True)


def test_a_products_name_with_a_comma_is_one_cell():
    named = PAID.replace("`XXXXXX,`XXXXXXX", "`可乐, 330ml,`a,b")
    assert len(rows_of(wechat_bill(ALL + named + SUMS + "`1,`6.00,`0.00,`0.00,`0.04000,`6.00,`0.00\n"))) == 1


def test_a_refund_on_its_way_is_not_final():
    moving = REFUNDED.replace("`ORIGINAL,`SUCCESS", "`ORIGINAL,`PROCESSING")
    [row] = rows_of(wechat_bill(REFUNDS + moving + SUMS + "`1,`0.00,`0.01,`0.00,`0.00000,`0.00,`0.01\n"))
    assert not row.is_final


def test_a_bill_without_rows_is_empty():
    assert wechat_bill(ALL + SUMS + "`0,`0.00,`0.00,`0.00,`0.00000,`0.00,`0.00\n").status is BillStatus.EMPTY


GOOD = ALL + PAID + SUMS + "`1,`6.00,`0.00,`0.00,`0.04000,`6.00,`0.00\n"
BROKEN = {
    "no sums": (ALL + PAID, BillCut, {"row": 2}),
    "too few rows": (GOOD.replace("`1,`6.00,`0.00,`0.00,`0.04", "`2,`6.00,`0.00,`0.00,`0.04"), BillContradicts, {}),
    "another sum": (GOOD.replace("`0.04000,`6.00,`0.00\n", "`0.04000,`6.01,`0.00\n"), BillContradicts, {}),
    "another sum of fees": (GOOD.replace("`0.00,`0.04000,`6.00", "`0.00,`0.05000,`6.00"), BillContradicts, {}),
    "one cell too many": (GOOD.replace("`JSAPI", "`JSAPI,`MORE"), BillUnreadable, {"row": 2, "column": "28 / 27"}),
    "one cell too few": (GOOD.replace(",`JSAPI", ""), BillUnreadable, {"row": 2}),
    "a missing column": (GOOD.replace(",商户订单号", ",别的"), BillUnreadable, {"row": 1, "column": "商户订单号"}),
    "a column twice": (GOOD.replace(",设备号", ",手续费"), BillUnreadable, {"row": 1, "column": "手续费"}),
    "no number": (GOOD.replace("`XXXXXXXXXX,`XXXXXXXXXXX", "`,`X"), BillUnreadable, {"row": 2, "column": "商户订单号"}),
    "no amount": (GOOD.replace("`6.00,`0.00,`\n", "`6E2,`0.00,`\n"), BillUnreadable, {"row": 2, "column": "订单金额"}),
    "half a fen": (GOOD.replace("`6.00,`0.00,`\n", "`6.005,`0.00,`\n"), BillUnreadable, {"column": "订单金额"}),
    "no time": (GOOD.replace("08:35:41", "25:35:41"), BillUnreadable, {"row": 2, "column": "交易时间"}),
    "an unknown state": (GOOD.replace("`SUCCESS", "`NEXTYEAR"), BillUnreadable, {"row": 2, "column": "交易状态"}),
    "other money": (GOOD.replace("`CNY", "`USD"), BillUnreadable, {"row": 2, "column": "货币种类"}),
    "a web page": ("<html><body>login</body></html>", BillUnreadable, {"row": 1}),
    "nothing": ("", BillUnreadable, {"row": 1}),
    "an endless line": (ALL + "`" + "x" * (LINE_CHARS_MAX + 1), BillTooLarge, {"limit": "LINE_CHARS_MAX"}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_bill_is_refused_with_its_reason(name):
    text, kind, details = BROKEN[name]
    with pytest.raises(BillRefused) as caught:
        wechat_bill(text)
    assert type(caught.value) is kind
    assert details.items() <= caught.value.details.items()
    assert "2019-07-25" in caught.value.text("en").sentence


@pytest.mark.parametrize("cut", [1, 20, 100])
def test_a_cut_gzip_is_refused(cut):
    with pytest.raises(BillCut):
        wechat_bill(GOOD, packed=gzip.compress(GOOD.encode())[:-cut])


def test_what_follows_a_gzip_is_refused():
    with pytest.raises(BillCut):
        wechat_bill(GOOD, packed=gzip.compress(GOOD.encode()) * 2)


def test_another_digest_is_refused():
    with pytest.raises(BillChanged):
        wechat_bill(GOOD, digest="0" * 40)


def test_bytes_that_are_no_text_are_refused():
    raw = GOOD.encode("gbk")
    with pytest.raises(BillCut):
        wechat_bill("", packed=gzip.compress(raw), digest=hashlib.sha1(raw).hexdigest())


def test_a_bomb_is_refused_before_it_unfolds():
    bomb = gzip.compress(b"\x00" * (32 * 1024 * 1024))
    file = BillFile(platform="wechatpay", day="2019-07-25", packed=bomb)
    read = []
    with pytest.raises(BillTooLarge) as caught:
        read.extend(len(chunk) for chunk in gunzipped(file))
    assert caught.value.details["limit"] == "UNPACK_RATIO_MAX"
    assert sum(read) < BILL_BYTES_MAX // 32


def test_alipay_sample_is_read():
    bill = alipay_bill(ALIPAY_HEAD + ALIPAY_PAID + ALIPAY_BACK + ALIPAY_TAIL)
    paid, back = rows_of(bill)
    assert (paid.kind, paid.own_no, paid.amount) == (BillKind.TRADE, "service_1568601259302", Money.fen(1))
    assert (back.kind, back.own_no, back.trade_no) == (BillKind.REFUND, "re_test_1568602607356", paid.own_no)
    assert back.happened_at - paid.happened_at == timedelta(seconds=85)
    assert (bill.totals.rows_count, bill.totals.refunded) == (2, Money.fen(1))


def test_alipay_details_are_told_by_their_content():
    text = ALIPAY_HEAD + ALIPAY_PAID + ALIPAY_BACK + ALIPAY_TAIL
    assert len(rows_of(alipay_bill(text, names=("汇总", "明细")))) == 2
    with pytest.raises(BillUnreadable):
        alipay_bill(text, names=("汇总",))


ALIPAY_BROKEN = {
    "no sums": (ALIPAY_HEAD + ALIPAY_PAID, BillCut),
    "a comma before what looks like an amount": (
        ALIPAY_HEAD + ALIPAY_PAID.replace("@qq.com)", ",9.00") + ALIPAY_BACK + ALIPAY_TAIL,
        BillUnreadable,
    ),
    "one cell too few": (
        ALIPAY_HEAD + ALIPAY_PAID.replace(",下单测试,", ",") + ALIPAY_BACK + ALIPAY_TAIL,
        BillUnreadable,
    ),
    "one cell too many of a form": (
        ALIPAY_HEAD + ALIPAY_PAID.replace("0.01,0.01,0.00", "0.01,0.01,0.00,0.00") + ALIPAY_BACK + ALIPAY_TAIL,
        BillUnreadable,
    ),
    "another count": (
        ALIPAY_HEAD + ALIPAY_PAID + ALIPAY_BACK + ALIPAY_TAIL.replace("交易合计：1", "交易合计：2"),
        BillContradicts,
    ),
    "another sum": (ALIPAY_HEAD + ALIPAY_PAID + ALIPAY_BACK + ALIPAY_TAIL.replace("共0.01", "共0.02"), BillContradicts),
    "an unknown kind": (
        ALIPAY_HEAD + ALIPAY_PAID.replace("交易\t", "理财\t") + ALIPAY_BACK + ALIPAY_TAIL,
        BillUnreadable,
    ),
}


ALIPAY_TEXTS = {
    "a name": ("交易\t,下单测试", "交易\t,下单,测试, 2 件"),
    "a quoted name": ("交易\t,下单测试", '交易\t,"下单,测试"'),
    "a name with inches": ("交易\t,下单测试", '交易\t,"5" 屏, 支架'),
    "a name that begins with a quote": ("交易\t,下单测试", '交易\t,"大"号杯'),
    "a payer": ("*津水(602", "*津,水(602"),
    "a coupon": (",0.00,,0.00\t", ",0.00,满 10,减 1,0.00\t"),
    "a description": ("0.00,0.00,下单测试\n", '0.00,0.00,{"a":1,"b":[2,3],"c":"1.00,2.00"}\n'),
    "times in a name": ("交易\t,下单测试", "交易\t,预约,2019-09-16 10:55:16,2019-09-16 10:55:23,二号"),
}


@pytest.mark.parametrize("name", ALIPAY_TEXTS)
def test_a_comma_in_a_text_of_alipay_is_no_separator(name):
    old, new = ALIPAY_TEXTS[name]
    assert ALIPAY_PAID.count(old) == 1
    plain = alipay_bill(ALIPAY_HEAD + ALIPAY_PAID + ALIPAY_BACK + ALIPAY_TAIL)
    told = alipay_bill(ALIPAY_HEAD + ALIPAY_PAID.replace(old, new) + ALIPAY_BACK + ALIPAY_TAIL)
    assert rows_of(told) == rows_of(plain)


WORDS = st.lists(st.text("甲乙丙ab 件-\"'", max_size=6), min_size=1, max_size=5).map(",".join)


@given(name=WORDS, payer=WORDS, coupon=WORDS, remark=WORDS)
def test_whatever_people_write_the_money_is_read(name, payer, coupon, remark):
    cutter = Cutter(ALIPAY_HEAD.splitlines()[-1], COLUMNS)
    cells = ALIPAY_PAID.rstrip("\n").split(",")
    plain = cutter.cut(",".join(cells))
    cells[3], cells[10], cells[18], cells[24] = name, payer, coupon, remark
    told = cutter.cut(",".join(cells))
    assert told == plain or (told is None and '"' in ",".join(cells))  # rather nothing than something else


@pytest.mark.parametrize("name", ALIPAY_BROKEN)
def test_a_broken_alipay_bill_is_refused(name):
    text, kind = ALIPAY_BROKEN[name]
    with pytest.raises(kind):
        alipay_bill(text)


@pytest.mark.parametrize("damage", [lambda raw: raw[:-30], lambda raw: raw[40:], lambda raw: b"", lambda raw: raw[:50]])
def test_a_damaged_archive_is_refused(damage):
    with pytest.raises(BillCut):
        alipay_bill(ALIPAY_HEAD + ALIPAY_PAID + ALIPAY_BACK + ALIPAY_TAIL, damage=damage)


def test_a_zip_bomb_is_refused():
    with pytest.raises(BillTooLarge):
        alipay_bill(ALIPAY_HEAD + "#" + "0" * 20_000 + ("\n#" + "0" * 60_000) * 200)


def test_a_refund_without_a_number_is_a_charge_undone():
    file = BillFile(platform="alipay", day="2019-09-16", packed=b"")
    undone = ALIPAY_BACK.replace("re_test_1568602607356", "")
    [_, back] = AlipayReader(file).rows(iter((ALIPAY_HEAD + ALIPAY_PAID + undone + ALIPAY_TAIL).splitlines()))
    assert (back.kind, back.own_no) == (BillKind.REVERSAL, "service_1568601259302")


ELSEWHERE = (
    "https://elsewhere.example/v3/billdownload/file?token=1",
    "http://pay.example.evil.example/x",
    "file:///etc",
)


@pytest.mark.parametrize("url", ELSEWHERE)
def test_nothing_signed_goes_to_another_host(url, wechat):
    side = wechat
    told = {"hash_type": "SHA1", "hash_value": "0" * 40, "download_url": url}
    answer = side.answer(told)
    credentials = {**side.credentials, "platform_certificates": side.cert_pem}
    account, http = account_of("wechatpay", "https://pay.example", credentials, side.clock, lambda _: answer)
    with pytest.raises(PlatformUnknown):
        asyncio.run(WECHAT.bills.fetch(account, DAY))
    assert len(http.sent) == 1


def test_too_early_none_is_not_ready(wechat):
    side = wechat
    today = side.clock.now().astimezone(BILL_ZONE).date()
    body = json.dumps({"code": "NO_STATEMENT_EXIST", "message": "账单文件不存在"}).encode()
    refused = Response(status=400, headers={}, body=body)
    credentials = {**side.credentials, "platform_certificates": side.cert_pem}
    account, _ = account_of("wechatpay", "https://pay.example", credentials, side.clock, lambda _: refused)
    found = [asyncio.run(WECHAT.bills.fetch(account, today - timedelta(days=back))).status for back in (0, 2)]
    assert found == [BillStatus.NOT_READY, BillStatus.EMPTY]


def big_bill(rows_count):
    """A bill of so many payments, packed as it comes: each row another number."""
    rows = (PAID.replace("XXXXXXXXXX,`X", f"N{number:09},`X") for number in range(rows_count))
    fee, total = f"{4 * rows_count // 100}.{4 * rows_count % 100:02}000", f"{6 * rows_count}.00"
    sums = f"`{rows_count},`{total},`0.00,`0.00,`{fee},`{total},`0.00\n"
    plain = "".join((ALL, *rows, SUMS, sums)).encode()
    return gzip.compress(plain, 1), hashlib.sha1(plain).hexdigest(), len(plain)


def test_a_large_bill_is_never_held_as_a_whole():
    """Twice the rows, and no more memory than the packed file takes: nothing unpacked is kept."""

    def read(rows_count):
        packed, digest, size = big_bill(rows_count)
        tracemalloc.start()
        try:
            bill = wechat_checked(BillFile(platform="wechatpay", day="2019-07-25", packed=packed), DAY, digest)

            async def count():
                return sum([len(piece) async for piece in bill.pieces()])

            assert asyncio.run(count()) == rows_count
            return tracemalloc.get_traced_memory()[1], size
        finally:
            tracemalloc.stop()

    (few, few_size), (many, many_size) = read(4_000), read(12_000)
    assert many - few < (many_size - few_size) // 4
    assert many < many_size


def test_base64_of_a_digest_is_no_digest():
    plain = GOOD.encode()
    with pytest.raises(BillChanged):
        wechat_bill(GOOD, digest=base64.b64encode(hashlib.sha1(plain).digest()).decode())
