"""State machines as tables: a state changes through a table and a compare-and-set update, never otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from hutong.core.errors import InvalidTransition

StateT = TypeVar("StateT", bound=StrEnum)
EventT = TypeVar("EventT", bound=StrEnum)


class TransitionTable(Generic[StateT, EventT]):
    """Which state follows on which event. Late or duplicate facts are found by ``allows``, not by errors."""

    def __init__(self, machine: str, steps: Mapping[tuple[StateT, EventT], StateT]) -> None:
        self.machine = machine
        self.steps = dict(steps)

    def next(self, state: StateT, event: EventT) -> StateT:
        """The state after ``event``.

        Raises:
            InvalidTransition: the table has no such step.
        """
        try:
            return self.steps[state, event]
        except KeyError:
            raise InvalidTransition(machine=self.machine, state=state.value, event=event.value) from None

    def allows(self, state: StateT, event: EventT) -> bool:
        """Whether ``event`` may happen in ``state``."""
        return (state, event) in self.steps

    def sources(self, event: EventT) -> list[StateT]:
        """Every state in which ``event`` may happen, for the guard of a compare-and-set update."""
        return sorted(state for state, candidate in self.steps if candidate == event)

    def mermaid(self) -> str:
        """The state diagram, for the room's README (checked by tests/docs)."""
        lines = [f"  {a.value} --> {b.value}: {e.value}" for (a, e), b in sorted(self.steps.items())]
        return "\n".join(["stateDiagram-v2", *lines])
