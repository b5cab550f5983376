"""All tables of the hub, gathered for migrations and their checks."""

from __future__ import annotations

from typing import Final

from sqlalchemy import MetaData

from hutong.analytics import models as analytics
from hutong.customers import models as customers
from hutong.db.tables import METADATA
from hutong.ledger import models as ledger
from hutong.ledger import page_models as pages
from hutong.ledger import split_models as splits
from hutong.links import batch_models as batches
from hutong.links import bio_models as bios
from hutong.links import card_models as cards
from hutong.links import guard_models as guards
from hutong.links import lock_models as locks
from hutong.links import models as links
from hutong.links.attribution import models as ties
from hutong.links.promotions import models as promotions
from hutong.merchants import grant_models as grants
from hutong.merchants import models as merchants
from hutong.payments import bill_models as bills
from hutong.payments import combined_models as combined
from hutong.payments import models as payments
from hutong.payments import suspense_models as suspended
from hutong.shops import models as shops
from hutong.webhooks import models as webhooks

#: The rooms whose tables are in the metadata; importing them registers their tables.
ROOMS: Final = (
    analytics,
    batches,
    bills,
    bios,
    cards,
    combined,
    customers,
    grants,
    guards,
    ledger,
    links,
    locks,
    merchants,
    pages,
    payments,
    promotions,
    shops,
    splits,
    suspended,
    ties,
    webhooks,
)


def all_tables() -> MetaData:
    """The metadata with every room's tables."""
    assert all(room.__name__.endswith("models") for room in ROOMS)
    return METADATA
