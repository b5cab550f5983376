"""The catalogue: one list of every event that the domains define."""

from __future__ import annotations

from typing import Final

from hutong.core.events import EventCatalogue
from hutong.customers.events import EVENTS as CUSTOMERS
from hutong.ledger.events import EVENTS as LEDGER
from hutong.ledger.split_events import EVENTS as SPLITS
from hutong.links.events import EVENTS as LINKS
from hutong.payments.events import EVENTS as PAYMENTS
from hutong.shops.events import EVENTS as SHOPS

CATALOGUE: Final = EventCatalogue([*PAYMENTS, *SHOPS, *LEDGER, *SPLITS, *CUSTOMERS, *LINKS])
