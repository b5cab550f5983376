"""Trade bills: where the file is, and the file: a ZIP of details and sums in GBK.

Source: alipay.data.dataservice.bill.downloadurl.query and 对账说明 (https://opendocs.alipay.com/open/204/106262);
columns, comments and tabs as in public clients' sample bills. Only bills of type trade and of days are here.
"""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from hutong_sandbox.alipay.accounts import Account
from hutong_sandbox.alipay.errors import WireError
from hutong_sandbox.alipay.fields import Content
from hutong_sandbox.alipay.refunds import Refunds
from hutong_sandbox.alipay.trades import Trade, Trades
from hutong_sandbox.bills import REFUND, TRADE, BillBook, Entry, china_day, refund_fees, wire_time, yuan
from hutong_sandbox.books import fee_of
from hutong_sandbox.drbg import LETTERS
from hutong_sandbox.http import HttpRequest, HttpResponse, Json
from hutong_sandbox.world import World

DOWNLOAD_PATH: Final = "/downloadBillFile.resource"
ADDRESS_LIFE: Final = timedelta(seconds=30)
ADDRESSES_MAX: Final = 1000
KEPT_DAYS: Final = 900
_NAME: Final = "alipay"
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
HEADER: Final = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,"
    "商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,"
    "卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)
SUMS_HEADER: Final = (
    "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,支付宝优惠（元）,商家优惠（元）,"
    "卡消费金额（元）,服务费（元）,分润（元）,实收净额（元）"
)
RULER: Final = "-" * 41


class BillDesk:
    """Bills of every app's seller."""

    def __init__(self, world: World, trades: Trades, refunds: Refunds) -> None:
        self._world = world
        self._trades = trades
        self._refunds = refunds
        self._book = BillBook(world, _NAME)
        self.url = ""
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        self._book.clear()
        self._drbg = self._world.drbg("alipay bills")
        self._given: dict[str, tuple[bytes, datetime]] = {}

    def address(self, account: Account, content: Content) -> Json:
        """Where the file of a day is, for half a minute."""
        if content.text("bill_type") != "trade":
            raise WireError("isv.invalid_arguments", "沙盒只有 trade 账单")
        day = self._day(content.text("bill_date"))
        if not self._book.is_ready(account.app_id, day):
            raise WireError("isp.bill_not_exist", "账单不存在")
        entries = self._book.entries(account.app_id, day, lambda of: self._entries(account, of))
        if not entries:
            raise WireError("isp.bill_not_exist", "账单不存在")
        return {"bill_download_url": self._give(account, day, self._archive(account, day, entries))}

    def download(self, request: HttpRequest) -> HttpResponse:
        """The file, for whoever has its address in time: nothing is signed here."""
        body, until = self._given.get(request.query.get("token", ""), (b"", self._world.clock.now()))
        if until <= self._world.clock.now():
            return HttpResponse(
                status=403, body="下载超时，请重新下载".encode(), headers={"Content-Type": "text/plain"}
            )
        return HttpResponse(status=200, body=body, headers={"Content-Type": "application/zip"})

    def _day(self, text: str) -> date:
        today = china_day(self._world.clock.now())
        try:
            day = date.fromisoformat(text if _DAY.fullmatch(text) else "")
        except ValueError:
            raise WireError("isv.invalid_arguments", "入参不合法") from None
        if not today - timedelta(days=KEPT_DAYS) <= day < today:
            raise WireError("isv.invalid_arguments", "入参不合法")
        return day

    def _give(self, account: Account, day: date, body: bytes) -> str:
        if len(self._given) >= ADDRESSES_MAX:
            self._given.pop(next(iter(self._given)))
        token = self._drbg.text(32, LETTERS)
        self._given[token] = (body, self._world.clock.now() + ADDRESS_LIFE)
        user_id = f"{account.seller_id}0156"
        query = {
            "bizType": "trade",
            "userId": user_id,
            "fileType": "csv.zip",
            "bizDates": f"{day:%Y%m%d}",
            "downloadFileName": f"{user_id}_{day:%Y%m%d}.csv.zip",
            "fileId": "/trade/0.csv.zip",
            "token": token,
        }
        return f"{self.url}{DOWNLOAD_PATH}?{urlencode(query)}"

    def _entries(self, account: Account, day: date) -> list[Entry]:
        """What happened on a day; a refund counts when its money moves."""
        found: list[Entry] = []
        for trade in self._trades.all():
            if trade.account is not account or trade.paid_at is None:
                continue
            total_fen = trade.order.total_fen
            if china_day(trade.paid_at) == day:
                found.append(
                    _entry(trade, TRADE, trade.order.out_trade_no, total_fen, fee_of(total_fen), trade.paid_at)
                )
            moved = [refund for refund in self._refunds.of(trade) if refund.settled_at is not None]
            moved.sort(key=lambda refund: refund.settled_at or trade.created_at)
            fees = refund_fees(total_fen, [*(refund.request.refund_fen for refund in moved), trade.reversed_fen])
            for refund, fee_fen in zip(moved, fees, strict=False):
                request = refund.request
                if refund.settled_at is not None and china_day(refund.settled_at) == day and request.refund_fen:
                    found.append(
                        _entry(trade, REFUND, request.out_request_no, request.refund_fen, fee_fen, refund.settled_at)
                    )
            if trade.reversed_fen and trade.closed_at is not None and china_day(trade.closed_at) == day:
                found.append(_entry(trade, REFUND, "", trade.reversed_fen, fees[-1], trade.closed_at))
        return found

    def _archive(self, account: Account, day: date, entries: list[Entry]) -> bytes:
        name = f"{account.seller_id}0156_{day:%Y%m%d}"
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for title, text in (
                ("业务明细", _details(account, day, entries)),
                ("业务明细(汇总)", _sums(account, entries)),
            ):
                # The real archives' names are GBK without saying so; readers see other letters.
                member = zipfile.ZipInfo(f"{name}_{title}.csv".encode("gbk").decode("cp437"), (2020, 1, 1, 0, 0, 0))
                member.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(member, text.encode("gbk", "replace"))
        return packed.getvalue()


def _entry(trade: Trade, kind: str, number: str, amount_fen: int, fee_fen: int, at: datetime) -> Entry:
    return Entry(
        kind=kind,
        number=number,
        trade_no=trade.order.out_trade_no,
        wallet_no=trade.trade_no,
        amount_fen=amount_fen,
        fee_fen=fee_fen,
        at=at,
        state=trade.state.value,
        title=trade.order.subject,
    )


def _details(account: Account, day: date, entries: list[Entry]) -> str:
    head = (
        "#支付宝业务明细查询",
        f"#账号：[{account.seller_id}0156]",
        f"#起始日期：[{day:%Y年%m月%d日} 00:00:00]   终止日期：[{day + timedelta(days=1):%Y年%m月%d日} 00:00:00]",
        f"#{RULER}业务明细列表{RULER[:-1]}",
        HEADER,
    )
    paid = [entry for entry in entries if entry.kind == TRADE]
    back = [entry for entry in entries if entry.kind == REFUND]
    paid_fen, back_fen = (sum(entry.amount_fen for entry in part) for part in (paid, back))
    tail = (
        f"#{RULER}业务明细列表结束{RULER[:-5]}",
        f"#交易合计：{len(paid)}笔，商家实收共{yuan(paid_fen)}元，商家优惠共0.00元",
        f"#退款合计：{len(back)}笔，商家实收退款共{yuan(-back_fen)}元，商家优惠退款共0.00元",
        "",
    )
    return "\r\n".join((*head, *(_row(entry) for entry in entries), *tail))


def _row(entry: Entry) -> str:
    """Numbers are followed by a tab, and what is taken of a merchant stands below zero."""
    is_refund = entry.kind == REFUND
    amount = yuan(-entry.amount_fen if is_refund else entry.amount_fen)
    at = wire_time(entry.at)
    return ",".join(
        (
            f"{entry.wallet_no}\t", f"{entry.trade_no}\t", "退款\t" if is_refund else "交易\t",
            entry.title.replace(",", "，"), at, at, "\t", "\t", "\t", "\t", "*(159****5620)\t", amount, amount, "0.00",
            "0.00", "0.00", "0.00", "0.00", "", "0.00\t", "0.00", f"{entry.number if is_refund else ''}\t",
            yuan(-entry.fee_fen), "0.00", "",
        )
    )  # fmt: skip


def _sums(account: Account, entries: list[Entry]) -> str:
    paid = [entry for entry in entries if entry.kind == TRADE]
    signed_fen = sum(entry.amount_fen if entry.kind == TRADE else -entry.amount_fen for entry in entries)
    fees_fen = sum(entry.fee_fen for entry in entries)
    cells = (
        "合计", "", str(len(paid)), str(len(entries) - len(paid)), yuan(signed_fen), yuan(signed_fen), "0.00", "0.00",
        "0.00", yuan(-fees_fen), "0.00", yuan(signed_fen - fees_fen),
    )  # fmt: skip
    return "\r\n".join(("#支付宝业务汇总查询", f"#账号：[{account.seller_id}0156]", SUMS_HEADER, ",".join(cells), ""))
