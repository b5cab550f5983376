import pytest

from hutong.core.errors import InvalidTransition
from hutong.payments.states import ATTEMPT, CHECKOUT, PAYMENT, REFUND, AttemptEvent, AttemptState, PaymentState
from hutong.shops.states import ORDER, RANK, REACHED_BY, OrderEvent, OrderState

TABLES = [ATTEMPT, CHECKOUT, PAYMENT, REFUND, ORDER]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.machine)
def test_every_step_is_found_by_next_allows_and_sources(table):
    for (state, event), target in table.steps.items():
        assert table.next(state, event) == target
        assert table.allows(state, event)
        assert state in table.sources(event)


def test_a_step_that_is_not_in_the_table_is_refused_with_names():
    with pytest.raises(InvalidTransition) as caught:
        ORDER.next(OrderState.CLOSED, OrderEvent.PAY)
    assert "closed" in caught.value.text("en").sentence
    assert "pay" in caught.value.text("zh-Hans").sentence


def test_orders_never_move_to_a_lower_rank():
    for (state, _event), target in ORDER.steps.items():
        assert RANK[target] > RANK[state]
    for target, event in REACHED_BY.items():
        assert target in {ORDER.next(source, event) for source in ORDER.sources(event)}


def test_money_that_came_is_never_forgotten():
    """A charge that is being undone is the exception: only the wallet's own word about that counts then."""
    undone = (AttemptState.REVERSING, AttemptState.REVERSED)
    for state in AttemptState:
        event = AttemptEvent.STAYED if state in undone else AttemptEvent.PAID
        assert ATTEMPT.allows(state, event) == (state is not AttemptState.PAID)
        assert ATTEMPT.allows(state, AttemptEvent.PAID) == (state not in (*undone, AttemptState.PAID))
    assert not [event for (state, event) in ATTEMPT.steps if state is AttemptState.PAID]


def test_closed_and_refunded_payments_are_final():
    assert {state for state, _ in PAYMENT.steps} == {
        PaymentState.OPEN,
        PaymentState.PAID,
        PaymentState.PARTLY_REFUNDED,
    }
