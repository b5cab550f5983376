"""Capability Bills: the trade bill of a day, asked for, fetched, and held against the digest of the signed answer.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4012556654 (``/v3/bill/tradebill``; ``hash_value`` is the SHA-1 of the
unpacked file; the address is good for some minutes) and /doc/v3/partner (``sub_mchid``); the file's own answer carries
no signature. ``STATEMENT_CREATING``: it is being made. ``NO_STATEMENT_EXIST``: there is none; before the hour from
which the documents promise one, that says nothing, so that it counts as not ready.
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import date, time
from typing import Final

import msgspec

from hutong.connectors.wechatpay.answers import decode, succeeded
from hutong.connectors.wechatpay.bill_rows import Reader
from hutong.connectors.wechatpay.calls import call
from hutong.connectors.wechatpay.errors import error_of, read_error
from hutong.connectors.wechatpay.merchant import LIVE_BASE_URLS, Merchant, merchant_of
from hutong.connectors.wechatpay.parties import query_text, sub_merchant
from hutong.connectors.wechatpay.signing import signed_request
from hutong.core.errors import PlatformUnknown
from hutong.platforms.account import Account
from hutong.platforms.bill_errors import BillChanged
from hutong.platforms.bill_files import BillFile, gunzipped, in_pieces, lines
from hutong.platforms.bills import Bill, BillStatus, bill_day, due_at
from hutong.transport.messages import Request, Response

PATH: Final = "/v3/bill/tradebill"
#: The documents: made from nine o'clock on, better fetched after ten.
READY_TIME: Final = time(10)
#: "Three months"; the shortest three have 89 days.
KEPT_DAYS: Final = 89
HASH_TYPE: Final = "SHA1"
NOT_MADE_YET: Final = "STATEMENT_CREATING"
NONE_THERE: Final = "NO_STATEMENT_EXIST"
ENCODING: Final = "utf-8"


class WireAddress(msgspec.Struct, frozen=True):
    """Where the file is, and its digest."""

    hash_type: str
    hash_value: str
    download_url: str


class WechatBills:
    """``hutong.platforms.bills.Bills`` for WeChat Pay."""

    @property
    def ready_time(self) -> time:
        """Ten o'clock."""
        return READY_TIME

    @property
    def kept_days(self) -> int:
        """Three months."""
        return KEPT_DAYS

    async def fetch(self, account: Account, day: date) -> Bill:
        """Ask where the file is, fetch it, check all of it."""
        merchant = merchant_of(account)
        if day >= bill_day(account.clock.now()):
            return Bill(day=day, status=BillStatus.NOT_READY)
        query = {**sub_merchant(merchant), "bill_date": day.isoformat(), "bill_type": "ALL", "tar_type": "GZIP"}
        answer = await call(account, merchant, _get(account, merchant, f"{PATH}{query_text(query)}"))
        status = _without_file(account, day, answer)
        if status is not None:
            return Bill(day=day, status=status)
        told = decode(merchant, answer, WireAddress)
        file = await account.http.send(_get(account, merchant, _path_of(merchant, told)))
        if not succeeded(file):
            raise error_of(merchant.platform, file)
        packed = BillFile(platform=merchant.platform, day=day.isoformat(), packed=file.body)
        # Unpacking and adding up are work for the processor: not on the loop that answers callbacks.
        return await asyncio.to_thread(_checked, packed, day, told.hash_value)


def _get(account: Account, merchant: Merchant, path: str) -> Request:
    return signed_request(merchant, "GET", path, b"", now=account.clock.now(), nonce=account.nonce(), repeatable=True)


def _without_file(account: Account, day: date, answer: Response) -> BillStatus | None:
    """What an answer says that names no file; None where it is none of these."""
    refused = None if succeeded(answer) else read_error(answer)
    if refused is None or refused.code not in (NOT_MADE_YET, NONE_THERE):
        return None
    is_early = account.clock.now() < due_at(day, READY_TIME)
    return BillStatus.NOT_READY if is_early or refused.code == NOT_MADE_YET else BillStatus.EMPTY


def _path_of(merchant: Merchant, told: WireAddress) -> str:
    """The file's path at the account's own address: nothing that we sign goes to another host."""
    bases = LIVE_BASE_URLS if merchant.base_url in LIVE_BASE_URLS else {merchant.base_url}
    for base in bases:
        if told.hash_type == HASH_TYPE and told.download_url.startswith(f"{base}/") and told.download_url.isascii():
            return told.download_url.removeprefix(base)
    raise PlatformUnknown(platform=merchant.platform)


def _checked(file: BillFile, day: date, hash_value: str) -> Bill:
    """The bill after all of it was read once.

    Raises:
        BillRefused: it is not what it must be.
    """
    sha1, sha256 = hashlib.sha1(usedforsecurity=False), hashlib.sha256()
    for chunk in gunzipped(file):
        sha1.update(chunk)
        sha256.update(chunk)
    if sha1.hexdigest() != hash_value.lower():
        raise BillChanged(platform=file.platform, day=file.day)
    reader = Reader(file)
    for _ in reader.rows(lines(file, gunzipped(file), ENCODING)):
        pass  # the sums at the end are held against the rows
    assert reader.totals is not None, "the reader ends with the sums or with an error"
    if not reader.totals.rows_count:
        return Bill(day=day, status=BillStatus.EMPTY, digest=sha256.digest(), totals=reader.totals)
    return Bill(
        day=day,
        status=BillStatus.READY,
        digest=sha256.digest(),
        totals=reader.totals,
        pieces=lambda: in_pieces(Reader(file).rows(lines(file, gunzipped(file), ENCODING))),
    )
