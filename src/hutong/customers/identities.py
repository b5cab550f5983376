"""Identities: one platform name of a person leads to one customer, however many ask at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import and_, case, func, select, update

from hutong.core.errors import InvalidInput
from hutong.customers.models import customer, identity
from hutong.db.bulk import insert_rows, rows_of, slices
from hutong.db.masks import mask_name
from hutong.db.unit import Unit
from hutong.db.vault import Vault

KIND_CHARS_MAX: Final = 40
VALUE_BYTES_MAX: Final = 512


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """A person as a platform named them. ``name`` is kept masked only; empty where it is not known."""

    value: str
    seen_at: datetime
    name: str = ""


class Found(msgspec.Struct, frozen=True):
    """Customers by the platform's value, and which of them are new."""

    by_value: dict[str, UUID]
    fresh: list[UUID]


def purpose_of(kind: str) -> str:
    """The vault's purpose of identities of a kind: an openid never matches another platform's buyer."""
    return f"customers.identity.{kind}"


async def find_or_make(unit: Unit, vault: Vault, kind: str, sightings: Sequence[Sighting]) -> Found:
    """The customers of these identities, made where they are new, and the times they were seen.

    Raises:
        InvalidInput: a kind or value that is empty or too long.
    """
    _verify(kind, sightings)
    merged = _merge(sightings)
    index_of = {value: await vault.blind_index(unit.merchant_id, purpose_of(kind), value.encode()) for value in merged}
    found = await _known(unit, kind, list(index_of.values()))
    # In index order: two imports of the same people then wait for each other instead of locking each other up.
    missing = sorted((index, value) for value, index in index_of.items() if index not in found)
    made: dict[bytes, UUID] = {}
    if missing:
        made = await _make(unit, vault, kind, [(index, merged[value]) for index, value in missing])
        found.update(made)
        if len(made) < len(missing):  # somebody else made some of them just now
            found.update(await _known(unit, kind, [index for index, _ in missing if index not in made]))
    await _touch(
        unit, [(found[index_of[value]], seen) for value, seen in merged.items() if index_of[value] not in made]
    )
    by_value = {value: found[index] for value, index in index_of.items()}
    return Found(by_value, list(made.values()))


class _Seen(msgspec.Struct):
    """All sightings of one value."""

    value: str
    first_at: datetime
    last_at: datetime
    name_masked: str


def _verify(kind: str, sightings: Sequence[Sighting]) -> None:
    if not 0 < len(kind) <= KIND_CHARS_MAX:
        raise InvalidInput(field="kind", problem=f"1–{KIND_CHARS_MAX}")
    for sighting in sightings:
        if not 0 < len(sighting.value.encode()) <= VALUE_BYTES_MAX:
            raise InvalidInput(field="value", problem=f"1–{VALUE_BYTES_MAX}")
        if sighting.seen_at.tzinfo is None:
            raise InvalidInput(field="seen_at", problem="UTC")


def _merge(sightings: Sequence[Sighting]) -> dict[str, _Seen]:
    merged: dict[str, _Seen] = {}
    for sighting in sightings:
        at = sighting.seen_at
        seen = merged.setdefault(sighting.value, _Seen(sighting.value, at, at, ""))
        seen.first_at = min(seen.first_at, at)
        seen.last_at = max(seen.last_at, at)
        seen.name_masked = mask_name(sighting.name) or seen.name_masked
    return merged


async def _known(unit: Unit, kind: str, indexes: list[bytes]) -> dict[bytes, UUID]:
    found: dict[bytes, UUID] = {}
    if not indexes:
        return found
    for piece in slices({"value_index": indexes}):
        given = rows_of(identity, piece)
        statement = select(identity.c.value_index, identity.c.customer_id).where(
            identity.c.merchant_id == unit.merchant_id,
            identity.c.kind == kind,
            identity.c.value_index == given.c.value_index,
        )
        found.update({row.value_index: row.customer_id for row in await unit.all(statement)})
    return found


async def _make(unit: Unit, vault: Vault, kind: str, wanted: Sequence[tuple[bytes, _Seen]]) -> dict[bytes, UUID]:
    """New identities and their customers; whoever came first keeps an identity that two make at the same time."""
    now = unit.now()
    columns: dict[str, list[Any]] = {
        "kind": [kind] * len(wanted),
        "value_index": [index for index, _ in wanted],
        "value_sealed": [
            await vault.seal(unit.merchant_id, purpose_of(kind), seen.value.encode()) for _, seen in wanted
        ],
        "customer_id": [unit.new_id() for _ in wanted],
        "created_at": [now] * len(wanted),
    }
    rows = await insert_rows(unit, identity, columns, once=True, returning=("value_index", "customer_id"))
    made = {row.value_index: row.customer_id for row in rows}
    if made:
        people = [(made[index], seen) for index, seen in wanted if index in made]
        await insert_rows(
            unit,
            customer,
            {
                "customer_id": [customer_id for customer_id, _ in people],
                "name_masked": [seen.name_masked for _, seen in people],
                "first_seen_at": [seen.first_at for _, seen in people],
                "last_seen_at": [seen.last_at for _, seen in people],
            },
        )
    return made


async def _touch(unit: Unit, people: Sequence[tuple[UUID, _Seen]]) -> None:
    """Widen the times of known customers; a name is taken where none was known. Rows are locked in their order."""
    if not people:
        return
    by_customer: dict[UUID, _Seen] = {}
    for customer_id, seen in people:  # two identities may lead to one customer
        kept = by_customer.setdefault(customer_id, seen)
        kept.first_at, kept.last_at = min(kept.first_at, seen.first_at), max(kept.last_at, seen.last_at)
        kept.name_masked = kept.name_masked or seen.name_masked
    ordered = sorted(by_customer.items())
    columns: dict[str, list[Any]] = {
        "customer_id": [customer_id for customer_id, _ in ordered],
        "first_seen_at": [seen.first_at for _, seen in ordered],
        "last_seen_at": [seen.last_at for _, seen in ordered],
        "name_masked": [seen.name_masked for _, seen in ordered],
    }
    for piece in slices(columns):
        given = rows_of(customer, piece)
        mine = and_(customer.c.merchant_id == unit.merchant_id, customer.c.customer_id == given.c.customer_id)
        await unit.run(
            select(customer.c.customer_id).where(mine).order_by(customer.c.customer_id).with_for_update(of=customer)
        )
        await unit.run(
            update(customer)
            .where(mine)
            .values(
                first_seen_at=func.least(customer.c.first_seen_at, given.c.first_seen_at),
                last_seen_at=func.greatest(customer.c.last_seen_at, given.c.last_seen_at),
                name_masked=case((customer.c.name_masked == "", given.c.name_masked), else_=customer.c.name_masked),
            )
        )
