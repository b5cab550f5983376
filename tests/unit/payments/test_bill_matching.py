"""The verdicts on rows: whatever a bill says, each row gets one, and together they are the whole bill."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from hutong.core.money import Money
from hutong.payments.bill_matching import OF_ROWS, Ours, Standing, Verdict, judge
from hutong.payments.bills import Reading
from hutong.platforms.bills import BillKind, BillRow

AT = datetime(2026, 3, 1, tzinfo=UTC)
PAYMENT = UUID(int=7)
amounts = st.integers(0, 10**9)
fees = st.integers(-(10**6), 10**6)
numbers = st.sampled_from([f"N{number}" for number in range(12)])
rows = st.builds(
    lambda kind, number, fen, fee_fen, is_final: BillRow(
        row_no=1,
        kind=kind,
        own_no=number,
        trade_no=number,
        wallet_no="",
        amount=Money.fen(fen),
        fee=Money.fen(fee_fen),
        happened_at=AT,
        raw_state="",
        is_final=is_final,
    ),
    st.sampled_from(BillKind),
    numbers,
    amounts,
    fees,
    st.booleans(),
)
records = st.builds(
    lambda fen, standing, fee_fen, is_part: Ours(
        payment_id=PAYMENT,
        amount=Money.fen(fen),
        standing=standing,
        fee=None if fee_fen is None else Money.fen(fee_fen),
        is_part=is_part,
    ),
    amounts,
    st.sampled_from(Standing),
    st.none() | fees,
    st.booleans(),
)


@given(bill=st.lists(rows, max_size=40), known=st.dictionaries(numbers, records))
def test_what_agrees_and_what_differs_make_the_bill(bill, known):
    reading, seen = Reading(at=AT), set()
    sums: Counter[Verdict] = Counter()
    for row in bill:
        verdict = judge(row, known.get(row.own_no), is_repeated=(row.kind, row.own_no) in seen)
        seen.add((row.kind, row.own_no))
        reading.add(row, verdict)
        sums[verdict] += row.amount.amount_minor
    assert set(sums) <= {Verdict.MATCHED, *OF_ROWS}
    assert sum(sums.values()) == reading.traded_minor + reading.refunded_minor
    assert sum(sums.values()) == sum(row.amount.amount_minor for row in bill)
    assert reading.rows_count == len(bill)
    assert reading.fees_minor == sum(row.fee.amount_minor for row in bill)


@given(row=rows, ours=records)
def test_agreement_is_agreement(row, ours):
    """What is called matched has the same amount, and a fee that is ours to the fen or to the rounding of a part."""
    if judge(row, ours) is not Verdict.MATCHED:
        return
    assert row.amount == ours.amount
    assert ours.standing is not Standing.NEVER or not row.is_final
    if ours.fee is not None and ours.standing is Standing.DONE:
        assert abs((row.fee - ours.fee).amount_minor) <= (1 if ours.is_part else 0)


@given(row=rows, ours=records)
def test_the_same_twice_is_never_agreement(row, ours):
    assert judge(row, ours, is_repeated=True) is Verdict.UNKNOWN
    assert judge(row, None) is Verdict.UNKNOWN


@given(ours=records, fen=st.integers(1, 10**6))
def test_a_fee_that_is_off_is_told(ours, fen):
    """Two fen and more are no rounding; of a payment one is none either."""
    done = Ours(payment_id=PAYMENT, amount=ours.amount, standing=Standing.DONE, fee=Money.fen(5), is_part=ours.is_part)
    row = BillRow(
        row_no=1,
        kind=BillKind.REFUND if ours.is_part else BillKind.TRADE,
        own_no="N1",
        trade_no="N1",
        wallet_no="",
        amount=ours.amount,
        fee=Money.fen(5 + fen),
        happened_at=AT,
        raw_state="",
    )
    expected = Verdict.MATCHED if ours.is_part and fen == 1 else Verdict.FEE
    assert judge(row, done) is expected
