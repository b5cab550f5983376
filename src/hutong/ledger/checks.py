"""What must hold in the books of one merchant. Nothing is repaired here: a journal is corrected by new batches."""

from __future__ import annotations

from sqlalchemy import and_, func, or_, select

from hutong.db.checks import BREACHES_PER_RULE_MAX, Breach, over_whole_tables
from hutong.db.unit import Unit
from hutong.ledger.accounts import REVENUE_SALES
from hutong.ledger.chain_checks import chain_holds, days_hold
from hutong.ledger.engine_checks import engine_holds
from hutong.ledger.joins import ON_ACCOUNT, ON_BATCH, ON_LINE
from hutong.ledger.models import account_balance, ledger_account, ledger_batch, posting, statement, statement_line
from hutong.ledger.sales import ORDER, REFUND, SALE


@over_whole_tables
async def check(unit: Unit) -> list[Breach]:
    """Every broken invariant of the ledger (reference: I1, I2, I4 and I8 of the ledger's rules)."""
    return [
        *await _batches_balance(unit),
        *await _postings_belong(unit),
        *await _balances_are_folds(unit),
        *await _refunded_orders_are_zero(unit),
        *await _statements_are_folds(unit),
        *await chain_holds(unit),
        *await days_hold(unit),
        *await engine_holds(unit),
    ]


async def _batches_balance(unit: Unit) -> list[Breach]:
    """The legs of each batch add up to zero in each currency, and so do all books."""
    mine = posting.c.merchant_id == unit.merchant_id
    total = func.sum(posting.c.amount_minor)
    by_batch = (
        select(posting.c.batch_id, posting.c.currency, total.label("sum_minor"))
        .where(mine)
        .group_by(posting.c.batch_id, posting.c.currency)
        .having(total != 0)
        .limit(BREACHES_PER_RULE_MAX)
    )
    in_all = (
        select(posting.c.currency, total.label("sum_minor"))
        .where(mine)
        .group_by(posting.c.currency)
        .having(total != 0)
        .limit(BREACHES_PER_RULE_MAX)
    )
    found = [
        Breach("ledger.batch_balances", str(row.batch_id), f"{row.sum_minor} {row.currency}")
        for row in await unit.all(by_batch)
    ]
    found += [
        Breach("ledger.books_balance", row.currency, f"{row.sum_minor} {row.currency}")
        for row in await unit.all(in_all)
    ]
    return found


async def _postings_belong(unit: Unit) -> list[Breach]:
    """Each posting has its batch, and an account of its currency.

    Differences of sets: they stay one pass also where the planner has no statistics yet.
    """
    mine = posting.c.merchant_id == unit.merchant_id
    batches = select(ledger_batch.c.batch_id).where(ledger_batch.c.merchant_id == unit.merchant_id)
    accounts = select(ledger_account.c.account_id, ledger_account.c.currency).where(
        ledger_account.c.merchant_id == unit.merchant_id
    )
    no_batch = select(posting.c.batch_id).where(mine).except_(batches).limit(BREACHES_PER_RULE_MAX)
    no_account = (
        select(posting.c.account_id, posting.c.currency).where(mine).except_(accounts).limit(BREACHES_PER_RULE_MAX)
    )
    return [
        *(Breach("ledger.posting_belongs", str(row.batch_id), "no such batch") for row in await unit.all(no_batch)),
        *(
            Breach("ledger.posting_belongs", str(row.account_id), f"no such account in {row.currency}")
            for row in await unit.all(no_account)
        ),
    ]


async def _balances_are_folds(unit: Unit) -> list[Breach]:
    """Each balance is the sum of its account's postings."""
    fold = (
        select(
            posting.c.account_id,
            func.sum(posting.c.amount_minor).label("balance_minor"),
            func.count().label("postings_count"),
        )
        .where(posting.c.merchant_id == unit.merchant_id)
        .group_by(posting.c.account_id)
        .subquery()
    )
    balance = (
        select(account_balance.c.account_id, account_balance.c.balance_minor, account_balance.c.postings_count)
        .where(account_balance.c.merchant_id == unit.merchant_id)
        .subquery()
    )
    statement_ = (
        select(
            func.coalesce(balance.c.account_id, fold.c.account_id).label("account_id"),
            balance.c.balance_minor.label("kept_minor"),
            fold.c.balance_minor.label("folded_minor"),
        )
        .select_from(balance.join(fold, balance.c.account_id == fold.c.account_id, full=True))
        .where(
            or_(
                # An account that was opened and not used yet has a balance of zero and no posting.
                balance.c.balance_minor.is_distinct_from(func.coalesce(fold.c.balance_minor, 0)),
                balance.c.postings_count.is_distinct_from(func.coalesce(fold.c.postings_count, 0)),
            )
        )
        .limit(BREACHES_PER_RULE_MAX)
    )
    return [
        Breach("ledger.balance_is_fold", str(row.account_id), f"kept {row.kept_minor}, postings {row.folded_minor}")
        for row in await unit.all(statement_)
    ]


async def _refunded_orders_are_zero(unit: Unit) -> list[Breach]:
    """An order whose revenue went back whole nets to zero on every account: fee and commissions went back too.

    And no order gives back more revenue than it took.
    """
    net = func.sum(posting.c.amount_minor)
    order = (ledger_batch.c.subject_id, posting.c.currency)
    # One pass over groups (windows, no joins): a plan without statistics must not become a nested loop here.
    per_account = (
        select(
            ledger_batch.c.subject_id,
            ledger_account.c.path,
            net.label("net_minor"),
            func.sum(net)
            .filter(ledger_account.c.path == REVENUE_SALES)
            .over(partition_by=order)
            .label("revenue_minor"),
            func.bool_or(func.bool_or(ledger_batch.c.kind == SALE)).over(partition_by=order).label("is_sold"),
        )
        .select_from(posting.join(ledger_batch, ON_BATCH).join(ledger_account, ON_ACCOUNT))
        .where(posting.c.merchant_id == unit.merchant_id)
        .where(ledger_batch.c.subject_kind == ORDER, ledger_batch.c.kind.in_((SALE, REFUND)))
        .group_by(ledger_batch.c.subject_id, ledger_account.c.path, posting.c.currency)
        .subquery()
    )
    went_back = and_(per_account.c.revenue_minor == 0, per_account.c.net_minor != 0)
    too_much = and_(per_account.c.revenue_minor > 0, per_account.c.path == REVENUE_SALES)
    statement_ = (
        select(per_account.c.subject_id, per_account.c.path, per_account.c.net_minor)
        .where(per_account.c.is_sold, or_(went_back, too_much))
        .limit(BREACHES_PER_RULE_MAX)
    )
    return [
        Breach("ledger.refunded_order_is_zero", str(row.subject_id), f"{row.path} keeps {row.net_minor}")
        for row in await unit.all(statement_)
    ]


async def _statements_are_folds(unit: Unit) -> list[Breach]:
    """A statement's figures are the sums of its lines."""
    amount = posting.c.amount_minor
    fold = (
        select(
            statement_line.c.statement_id,
            func.coalesce(func.sum(-amount), 0).label("net_minor"),
            func.coalesce(func.sum(-amount).filter(amount < 0), 0).label("earned_minor"),
            func.count().label("lines_count"),
        )
        .select_from(statement_line.join(posting, ON_LINE))
        .where(statement_line.c.merchant_id == unit.merchant_id)
        .group_by(statement_line.c.statement_id)
        .subquery()
    )
    statement_ = (
        select(statement.c.statement_id, statement.c.net_minor, fold.c.net_minor.label("folded_minor"))
        .select_from(statement.outerjoin(fold, fold.c.statement_id == statement.c.statement_id))
        .where(statement.c.merchant_id == unit.merchant_id)
        .where(
            or_(
                statement.c.net_minor != func.coalesce(fold.c.net_minor, 0),
                statement.c.earned_minor != func.coalesce(fold.c.earned_minor, 0),
                statement.c.lines_count != func.coalesce(fold.c.lines_count, 0),
                statement.c.net_minor != statement.c.earned_minor - statement.c.reversed_minor,
            )
        )
        .limit(BREACHES_PER_RULE_MAX)
    )
    return [
        Breach("ledger.statement_is_fold", str(row.statement_id), f"says {row.net_minor}, lines {row.folded_minor}")
        for row in await unit.all(statement_)
    ]
