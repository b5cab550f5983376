"""Stored events are read again, also under names that they were stored under before."""

from __future__ import annotations

from typing import ClassVar

import pytest

from hutong.core.events import Event, EventCatalogue
from hutong.events import CATALOGUE

#: Names under which rows may stand in an outbox, and what they are called today.
FORMER = {
    "payments.payment_captured": "payment.paid",
    "payments.payment_refunded": "payment.refunded",
    "payments.payment_closed": "payment.closed",
    "payments.surplus_captured": "payment.surplus",
    "payments.surplus_returned": "payment.surplus_returned",
    "payments.notice_mismatched": "payment.mismatched",
}


class Told(Event, frozen=True, kw_only=True):
    name: ClassVar[str] = "test.told"
    formerly: ClassVar[tuple[str, ...]] = ("tests.was_told",)

    text: str


@pytest.mark.parametrize(("former", "today"), FORMER.items())
def test_rows_under_a_former_name_are_what_they_are_called_today(former, today):
    record = next(cls for cls in CATALOGUE.classes() if cls.name == today)
    assert former in record.formerly
    assert former not in CATALOGUE.names()


def test_a_former_name_decodes_to_the_record_of_today():
    catalogue = EventCatalogue([Told])
    body = Told(text="x").encode()
    for name in ("test.told", "tests.was_told"):
        decoded = catalogue.decode(name, 1, body)
        assert (decoded, decoded.name) == (Told(text="x"), "test.told")
    with pytest.raises(KeyError):
        catalogue.decode("tests.was_told", 2, body)


def test_one_name_is_one_record():
    class Other(Event, frozen=True, kw_only=True):
        name: ClassVar[str] = "tests.was_told"

    class Malformed(Event, frozen=True, kw_only=True):
        name: ClassVar[str] = "Test.told"

    for wrong in ([Told, Told], [Other, Told], [Malformed]):
        with pytest.raises(ValueError, match="malformed or listed twice"):
            EventCatalogue(wrong)


def test_every_name_of_a_payment_leaves_under_one_roof():
    names = {name for name in CATALOGUE.names() if name.startswith("payment.")}
    assert names >= {*FORMER.values(), "payment.unknown", "payment.refund_failed"}
    assert not [name for name in CATALOGUE.names() if name.startswith("payments.")]
