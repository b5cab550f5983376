"""The diagrams of the room's page are the transition tables."""

from __future__ import annotations

from importlib.resources import files

import pytest

from hutong.payments.bill_states import BILL, DIFFERENCE
from hutong.payments.combined_states import COMBINED
from hutong.payments.states import ATTEMPT, CHECKOUT, PAYMENT, REFUND, SUSPENSE

README = (files("hutong.payments") / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    "table", [PAYMENT, ATTEMPT, REFUND, CHECKOUT, SUSPENSE, COMBINED, BILL, DIFFERENCE], ids=lambda table: table.machine
)
def test_the_diagrams_are_the_tables(table):
    assert f"```mermaid\n{table.mermaid()}\n```" in README
