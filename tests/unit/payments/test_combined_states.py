"""Where a combined payment stands follows from the attempts of its parts, and its table allows every step to there."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from hutong.payments.combined_states import COMBINED, LEADS_TO, CombinedState, state_of
from hutong.payments.states import ATTEMPT, UNSETTLED, AttemptState

PARTS_MAX = 4
IDS = tuple(UUID(int=number) for number in range(PARTS_MAX))
STATES = st.sampled_from(list(AttemptState))


def stands(states):
    return state_of(len(states), list(zip(IDS, states, strict=False)))


@given(st.lists(STATES, min_size=2, max_size=PARTS_MAX))
def test_it_is_paid_when_all_are_and_closed_when_none_can_be(states):
    told = stands(states)
    assert (told is CombinedState.PAID) == all(state is AttemptState.PAID for state in states)
    none_paid = AttemptState.PAID not in states
    assert (told is CombinedState.CLOSED) == (none_paid and not any(state in UNSETTLED for state in states))
    assert (told is CombinedState.PARTLY_PAID) == (not none_paid and told is not CombinedState.PAID)


@given(st.lists(STATES, min_size=2, max_size=PARTS_MAX), st.data())
def test_whatever_happens_to_an_attempt_its_table_has_the_step(states, data):
    before = stands(states)
    at = data.draw(st.integers(0, len(states) - 1))
    steps = [target for (source, _), target in ATTEMPT.steps.items() if source is states[at]]
    if not steps:  # paid: that never changes
        return
    after = stands([*states[:at], data.draw(st.sampled_from(steps)), *states[at + 1 :]])
    assert before is after or COMBINED.next(before, LEADS_TO[after]) is after


@given(st.lists(STATES, min_size=2, max_size=PARTS_MAX))
def test_another_try_takes_over_from_one_that_ended(states):
    ended = [state for state in states if state not in UNSETTLED and state is not AttemptState.PAID]
    tries = [*zip(IDS, ended, strict=False), *((one, AttemptState.CREATED) for one in IDS[:2])]
    assert state_of(2, tries) is CombinedState.OPEN


def test_a_part_that_is_paid_twice_is_one_part():
    twice = [(IDS[0], AttemptState.PAID), (IDS[0], AttemptState.PAID), (IDS[1], AttemptState.CLOSED)]
    assert state_of(2, twice) is CombinedState.PARTLY_PAID
