"""Capability Bills: the trade bill of a day, asked for, and fetched from the address that the signed answer names.

Source: alipay.data.dataservice.bill.downloadurl.query (``bill_type`` trade, ``bill_date``; the address is good for 30
seconds; the file is a ZIP of CSV in GBK, details and sums). It is no gateway call: nothing is signed, and no digest is
named, so that only the sums in the file say whether it is whole. ``isp.bill_not_exist`` (as met on the wire; the
documents write BILL_NOT_EXIST) is said of a day without trade and of one whose bill is not made yet alike: before the
hour from which the documents promise a bill it counts as not ready, afterwards as none.

Unverified: that live addresses are always on hosts of alipay.com and https, or http that https answers too.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from datetime import date, time
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import msgspec

from hutong.connectors.alipay.bill_rows import FIRST_LINE, Reader
from hutong.connectors.alipay.gateway import HTTP_OK, Call, decode, send
from hutong.connectors.alipay.merchant import LIVE_BASE_URL, Merchant, merchant_of
from hutong.core.errors import PlatformUnknown
from hutong.platforms.account import Account
from hutong.platforms.bill_files import BillFile, in_pieces, lines, unzipped
from hutong.platforms.bills import Bill, BillStatus, bill_day, due_at
from hutong.transport.messages import Request

METHOD: Final = "alipay.data.dataservice.bill.downloadurl.query"
BILL_TYPE: Final = "trade"
READY_TIME: Final = time(10)
#: Bills of years can be had; what is older than this was looked at, or never will be.
KEPT_DAYS: Final = 365
NONE_THERE: Final = frozenset({"isp.bill_not_exist", "BILL_NOT_EXIST"})
LIVE_HOSTS_END: Final = ".alipay.com"
#: A superset of GBK, in which the file is said to be.
ENCODING: Final = "gb18030"


class WireAddress(msgspec.Struct, frozen=True):
    """Where the file is."""

    bill_download_url: str


class AlipayBills:
    """``hutong.platforms.bills.Bills`` for Alipay."""

    @property
    def ready_time(self) -> time:
        """Ten o'clock."""
        return READY_TIME

    @property
    def kept_days(self) -> int:
        """A year."""
        return KEPT_DAYS

    async def fetch(self, account: Account, day: date) -> Bill:
        """Ask where the file is, fetch it, check all of it."""
        merchant = merchant_of(account)
        if day >= bill_day(account.clock.now()):
            return Bill(day=day, status=BillStatus.NOT_READY)
        answer = await send(
            account, merchant, Call(method=METHOD, content={"bill_type": BILL_TYPE, "bill_date": day.isoformat()})
        )
        if answer.head.sub_code in NONE_THERE:
            is_early = account.clock.now() < due_at(day, READY_TIME)
            return Bill(day=day, status=BillStatus.NOT_READY if is_early else BillStatus.EMPTY)
        url = _address(merchant, decode(merchant, answer, WireAddress).bill_download_url)
        response = await account.http.send(Request(method="GET", url=url, repeatable=True))
        if response.status != HTTP_OK:
            raise PlatformUnknown(platform=merchant.platform)
        file = BillFile(platform=merchant.platform, day=day.isoformat(), packed=response.body)
        # Unpacking and adding up are work for the processor: not on the loop that answers callbacks.
        return await asyncio.to_thread(_checked, file, day)


def _address(merchant: Merchant, told: str) -> str:
    """The file's address: on Alipay's own hosts and by https, with another address than the live one only there."""
    parts = urlsplit(told)
    if merchant.base_url == LIVE_BASE_URL:
        is_fine = (
            parts.scheme in ("http", "https") and parts.netloc.endswith(LIVE_HOSTS_END) and "@" not in parts.netloc
        )
        told = urlunsplit(parts._replace(scheme="https"))
    else:
        is_fine = told.startswith(f"{merchant.base_url}/")
    if not is_fine or not told.isascii() or " " in told:
        raise PlatformUnknown(platform=merchant.platform)
    return told


def _checked(file: BillFile, day: date) -> Bill:
    """The bill after all of it was read once.

    Raises:
        BillRefused: it is not what it must be.
    """
    digest, reader = hashlib.sha256(), Reader(file)
    for _ in reader.rows(_lines(file, digest.update)):
        pass  # the sums at the end are held against the rows
    assert reader.totals is not None, "the reader ends with the sums or with an error"
    if not reader.totals.rows_count:
        return Bill(day=day, status=BillStatus.EMPTY, digest=digest.digest(), totals=reader.totals)
    return Bill(
        day=day,
        status=BillStatus.READY,
        digest=digest.digest(),
        totals=reader.totals,
        pieces=lambda: in_pieces(Reader(file).rows(_lines(file))),
    )


def _lines(file: BillFile, watch: Callable[[bytes], object] | None = None) -> Iterator[str]:
    """The lines of the details; ``watch`` sees every unpacked byte."""

    def watched() -> Iterator[bytes]:
        for chunk in unzipped(file, FIRST_LINE.encode(ENCODING)):
            if watch is not None:
                watch(chunk)
            yield chunk

    return lines(file, watched(), ENCODING)
