"""What the wallets sent and what the hub answered, read piece by piece from the sandbox's log, and judged.

Forged notices that were believed, keys that were rotated and never met, notices that fit nothing and left no ticket,
acknowledgements that came too late: none of it shows in the books of what was paid.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from crowd_line import Line
from restartable import World

#: With which the id of an Alipay notice begins, and which the sandbox's log leaves out.
DATE_CHARS = 8
TOO_SLOW = "TimeoutError"

TICKETS = (
    "SELECT details ->> 'platform' AS platform, split_part(dedupe_key, ':', 2) AS notice_id, "
    "details ->> 'field' AS field, (details ->> 'amount_minor')::bigint AS amount_minor FROM ticket "
    "WHERE kind = 'notice_mismatched'"
)
SUSPENSE = (
    "SELECT count(DISTINCT t.batch_id) FROM posting t JOIN ledger_account c USING (merchant_id, account_id) "
    "WHERE c.path = 'suspense:claimed' AND t.amount_minor <> 0"
)
INBOUND = "SELECT c.platform, i.external_id FROM inbound i JOIN connection c USING (merchant_id, connection_id)"


class Told:
    """One notice and how its deliveries went."""

    def __init__(self, number: str, *, is_refund: bool, fits: bool) -> None:
        self.number = number
        self.is_refund = is_refund
        self.fits = fits
        self.deliveries = 0
        self.was_slow = False
        self.taken_at = 0  # place in the log; 0: never acknowledged


class WalletLog:
    """All notices of both wallets so far."""

    def __init__(self) -> None:
        self.notices: dict[tuple[str, str], Told] = {}
        self.spoilt: Counter[str] = Counter()
        self.wrong: list[str] = []
        #: Wallet and serial -> notices that were acknowledged under it, so that its key was known here.
        self.serials: Counter[tuple[str, str]] = Counter()
        self.rotated: list[tuple[str, str]] = []
        #: Refunds that the shop made in a wallet's own console: wallet and number of the refund -> number of the order.
        self.by_hand: dict[tuple[str, str], str] = {}
        self._read = 0

    async def read(self, sandbox: Line) -> None:
        """Whatever was written since."""
        for event in (await sandbox.get(f"/events?after={self._read}")).raise_for_status().json():
            if event["seq"] != self._read + 1:
                self.wrong.append(f"the sandbox's log lost its lines {self._read + 1} to {event['seq'] - 1}")
            self._read = event["seq"]
            if event["kind"] == "callback_sent":
                self._sent(event["platform"], event["detail"])
            elif event["kind"] == "callback_spoilt":
                self._spoilt(event["platform"], event["detail"])
            elif event["kind"] == "refund_by_hand":
                detail = event["detail"]
                refund_no = detail.get("out_refund_no") or detail["out_request_no"]
                self.by_hand[event["platform"], refund_no] = detail["out_trade_no"]

    async def rotate(self, sandbox: Line) -> None:
        """Let both wallets sign with another key from now on."""
        for platform, field in (("wechatpay", "serial_no"), ("alipay", "alipay_cert_sn")):
            answer = await sandbox.post("/certificates/rotate", json={"platform": platform})
            self.rotated.append((platform, answer.raise_for_status().json()[field]))

    def _sent(self, platform: str, detail: dict[str, Any]) -> None:
        is_refund = "REFUND" in str(detail.get("event_type", detail.get("event", "")))
        told = self.notices.setdefault(
            (platform, detail["notice"]), Told(detail["out_trade_no"], is_refund=is_refund, fits=detail["fits"])
        )
        told.deliveries += 1
        told.was_slow |= detail["problem"] == TOO_SLOW
        if detail["acknowledged"]:
            told.taken_at = told.taken_at or self._read
            self.serials[platform, detail["serial"]] += 1

    def _spoilt(self, platform: str, detail: dict[str, Any]) -> None:
        status = int(detail["status"])
        self.spoilt[f"{platform} {detail['change']} {status}"] += 1
        if 200 <= status < 300:
            self.wrong.append(f"{detail['out_trade_no']}: a spoilt notice ({detail['change']}) was believed: {status}")

    def slow(self) -> list[tuple[str, str]]:
        """Notices whose acknowledgement once came too late, and which were acknowledged when they came again."""
        return [key for key, told in self.notices.items() if told.was_slow and told.taken_at and told.deliveries > 1]

    def reordered(self) -> set[str]:
        """Numbers of which the hub took a refund's notice before the payment's."""
        paid = {told.number: told.taken_at for told in self.notices.values() if not told.is_refund and told.taken_at}
        return {
            told.number
            for told in self.notices.values()
            if told.is_refund and 0 < told.taken_at < paid.get(told.number, 0)
        }

    def judge(self, world: World) -> tuple[dict[str, Any], list[str]]:
        """Figures, and everything that is not as it must be."""
        wrong = list(self.wrong)
        wrong += [
            f"{platform}: nothing was taken under the new key {serial}"
            for platform, serial in self.rotated
            if not self.serials[platform, serial]
        ]
        kept = Counter((row[0], _plain(row[0], row[1])) for row in world.sql(INBOUND))
        slow = self.slow()
        wrong += [f"{key}: acknowledged late, and kept {kept[key]} times" for key in slow if kept[key] != 1]
        figures, mismatched = self._judge_unfit(world)
        figures |= {
            "notices": len(self.notices),
            # What comes while the clock leaps has another time than the hub, which refuses it; the wallet is asked.
            "not_taken": sum(not told.taken_at for told in self.notices.values()),
            "spoilt": dict(self.spoilt),
            "slow_and_again": len(slow),
            "refund_first": len(self.reordered()),
            "keys_met": len(self.serials),
            "rotated": len(self.rotated),
        }
        return figures, wrong + mismatched

    def _judge_unfit(self, world: World) -> tuple[dict[str, Any], list[str]]:
        """Each notice that fits nothing has left one ticket and, where it names a sum, one entry in suspense."""
        unfit = {key: told for key, told in self.notices.items() if not told.fits and told.taken_at}
        rows = world.sql(TICKETS)
        tickets = {(row["platform"], _plain(row["platform"], row["notice_id"])): row for row in rows}
        wrong = [f"{unfit[key].number}: a notice that fits nothing left no ticket" for key in unfit.keys() - tickets]
        wrong += [f"{key}: a ticket about a notice that was never sent wrong" for key in tickets.keys() - unfit]
        wrong += [f"{len(rows)} tickets about {len(tickets)} notices"] if len(rows) != len(tickets) else []
        for key in unfit.keys() & tickets:
            told, ticket = unfit[key], tickets[key]
            if told.is_refund is not (ticket["field"] == "out_refund_no"):
                wrong.append(f"{told.number}: told as {ticket['field']}")
            if not told.is_refund and ticket["amount_minor"] <= 0:
                wrong.append(f"{told.number}: the ticket names no sum")
        entries = int(world.sql(SUSPENSE)[0][0])
        with_sum = sum(row["amount_minor"] > 0 for row in rows)
        if entries != with_sum:
            wrong.append(f"{entries} entries in suspense, {with_sum} tickets that name a sum")
        return {"unfit": len(unfit), "mismatch_tickets": len(rows), "suspense_entries": entries}, wrong


def _plain(platform: str, notice_id: str) -> str:
    """A notice's id as the sandbox's log writes it."""
    return notice_id[DATE_CHARS:] if platform == "alipay" else notice_id
