"""How a statement's files call things, in the reader's language."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from hutong.core.money import Money
from hutong.ledger.commission_states import CommissionState
from hutong.ledger.rule_terms import FixedPer, Rule, RuleKind
from hutong.ledger.statement_details import ShareNow
from hutong.web.format import Formats, zone_of
from hutong.web.i18n import Catalogues, Locale
from hutong.web.labels import label_of, mark
from hutong.web.papers.reading import PaperLine, StatementPaper

Fact = tuple[str, str | int | Money | datetime | date]

SECOND_LEVEL: Final = 2
#: By these a file that comes back is known, in any language.
STATEMENT_TITLE: Final = mark("结算单编号")
ROOT_TITLE: Final = mark("封印根")
SEAL_DAY: Final = mark("封印日")
UNSEALED: Final = mark("封印")
CHAIN_END: Final = mark("账链末端")
CHAIN_BATCHES: Final = mark("账链批次")
MERCHANT: Final = mark("商家")
ZONE: Final = mark("时区")
MADE_AT: Final = mark("付款情况截至")
NET: Final = mark("本期净额")
#: What papers that are out there call a fact -> its name today.
FORMER_TITLES: Final = {mark("应付"): NET}
CHECK_PATH: Final = "/api/v1/statements/{}/check?root={}"


class PaperWords:
    """Speaks for one paper."""

    def __init__(self, catalogues: Catalogues, locale: Locale, timezone: str) -> None:
        self.zone: ZoneInfo = zone_of(timezone)
        self.formats = Formats(locale, self.zone)
        self.locale = locale
        self._catalogues = catalogues

    def say(self, message: str, **fields: str | int) -> str:
        """A source text in the reader's language."""
        return self._catalogues.text(self.locale, message, **fields)

    def label(self, kind: str, value: str) -> str:
        """The name of a value."""
        return self.say(label_of(kind, value)) if value else ""

    def rule(self, line: PaperLine) -> str:
        """By which rule the party earned."""
        if line.rule is None or line.line.share is None:
            return ""
        text = self._rule(line.rule, line.line.share)
        if line.rule.level == SECOND_LEVEL:
            return self.say(mark("%(rule)s（介绍人）"), rule=text)
        return text

    def way(self, share: ShareNow | None) -> str:
        """How the share was paid, or what it waits for."""
        if share is None:
            return ""
        if share.estimated.amount_minor:
            return self.say(mark("退货期内"))
        if share.due.amount_minor < 0:
            return self.say(mark("多付了，下次扣回"))
        ways = []
        if share.by_wallet.amount_minor:
            ways.append(self.label("platform", share.platform))
        if share.outside.amount_minor:
            ways.append(self.say(mark("钱包外")))
        if share.netted.amount_minor:
            ways.append(self.say(mark("抵扣")))
        if share.due.amount_minor:
            ways.append(self._waiting(share))
        return " + ".join(ways)

    def period(self, paper: StatementPaper) -> str:
        """From which day to which."""
        row = paper.statement
        days = f"{self.formats.date_digits(row.period_start_at)} – {self.formats.day_before(row.period_end_at)}"
        if not row.is_early:
            return days
        return self.say(mark("%(days)s（期间未完）"), days=days)

    def facts(self, paper: StatementPaper) -> tuple[Fact, ...]:
        """What the statement is, and its three figures."""
        row = paper.statement
        return (
            (self.say(MERCHANT), paper.merchant),
            (self.say(mark("结算对象")), row.party_name),
            (self.say(mark("期间")), self.period(paper)),
            (self.say(ZONE), self.zone.key),
            (self.say(mark("币种")), paper.currency),
            (self.say(mark("赚得")), row.earned),
            (self.say(mark("退款冲回")), -row.reversed),
            (self.say(NET), row.net),
            (self.say(mark("笔数")), row.lines_count),
            (self.say(mark("开出时间")), row.created_at),
            (self.say(MADE_AT), paper.made_at),
            (self.say(STATEMENT_TITLE), str(row.statement_id)),
        )

    def seal(self, paper: StatementPaper) -> tuple[Fact, ...]:
        """The seal, and how to check it; or that there is none yet."""
        seal, day = paper.seal, paper.seal.day
        if day is None:
            return (
                (self.say(UNSEALED), self.unsealed(paper)),
                (self.say(CHAIN_END), seal.chain.hash.hex()),
                (self.say(CHAIN_BATCHES), seal.chain.batches_count),
            )
        root = day.root.hex()
        return (
            (self.say(SEAL_DAY), day.day),
            (self.say(ROOT_TITLE), root),
            (self.say(mark("封印覆盖到批次")), day.last_sequence),
            (self.say(mark("怎么核对")), self.how_to_check(paper)),
            (self.say(mark("接口核对")), CHECK_PATH.format(paper.statement.statement_id, root)),
        )

    def unsealed(self, paper: StatementPaper) -> str:
        """That the day is not sealed yet, and what that means."""
        return self.say(
            mark("期间最后一天 %(day)s 还没有封印，明细以后仍可核对。封印后请重新下载一份。"),
            day=paper.seal.period_last_day.isoformat(),
        )

    def how_to_check(self, paper: StatementPaper) -> str:
        """What somebody does who holds the paper."""
        assert paper.seal.day is not None
        return self.say(
            mark("这个根盖住了截至 %(day)s 的整本账，以后不会变。请商家在后台的这张结算单里输入它，系统会逐笔核对。"),
            day=paper.seal.day.day.isoformat(),
        )

    def _rule(self, rule: Rule, share: ShareNow) -> str:
        terms = rule.terms
        amount = self.formats.money(Money(terms.amount_minor, rule.currency))
        if rule.kind is RuleKind.PERCENT:
            return self.formats.basis_points(terms.rate_bps)
        if rule.kind is RuleKind.FIXED and terms.per is FixedPer.PIECE:
            return self.say(mark("每件 %(amount)s"), amount=amount)
        if rule.kind is RuleKind.FIXED:
            return self.say(mark("每单 %(amount)s"), amount=amount)
        got = self.formats.per_cent(share.amount.amount_minor, share.base.amount_minor)
        if rule.kind is RuleKind.TIER:
            return self.say(mark("阶梯 %(rate)s"), rate=got)
        return self.say(mark("余额 %(rate)s"), rate=got)

    def _waiting(self, share: ShareNow) -> str:
        """Where what is due waits; in parentheses why the wallet does not carry it."""
        if share.outside_reason is None and share.state == CommissionState.CONFIRMED.value:
            return self.say(mark("等钱包付"))
        if share.outside_reason is None:
            return self.say(mark("待钱包外付"))
        reason = self.label("outside_reason", share.outside_reason)
        return self.say(mark("待钱包外付（%(reason)s）"), reason=reason)
