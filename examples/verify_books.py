"""Hashes the books of a hub anew, batch by batch, and holds the days' roots against them. Needs nothing but Python.

    HUTONG_KEY=hk_… python verify_books.py https://hub.example.cn [--root 2026-11-25=HEX …]

It is written from docs/howto/post-to-the-books.md and shares no line with the hub. Ends with 0 where everything holds.
"""

import argparse
import hashlib
import json
import os
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

ZERO = "00" * 32
PAGE = 200
Item = dict[str, Any]


def sha256(value: list[Any]) -> str:
    """SHA-256 of JSON without spaces, in UTF-8."""
    return hashlib.sha256(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def payload_hash(batch: Item) -> str:
    """The digest of what a batch posts, reserves or ends."""
    legs = [[leg["account"], leg["amount_minor"], leg["currency"]] for leg in batch["legs"]]
    form = [] if batch["phase"] == "posted" else [batch["phase"]]
    if batch["resolves_id"]:
        form.append(batch["resolves_id"])
    return sha256([batch["kind"], batch["subject_kind"], batch["subject_id"], legs, *form])


def link_hash(batch: Item, before: str) -> str:
    """The hash of a batch in the chain."""
    covered = [before, batch["sequence"], batch["batch_id"], batch["key"], batch["payload_hash"]]
    covered += [batch["event_at"], batch["recorded_at"]]
    if batch["expires_at"]:
        covered.append(batch["expires_at"])
    return sha256(covered)


def root_hash(day: Item, before: str) -> str:
    """The root of a day over the root of the day before."""
    return sha256([before, day["day"], day["zone"], day["last_sequence"], day["chain_hash"]])


def broken_batches(batches: list[Item]) -> Iterator[str]:
    """What does not hold of the chain, from its first batch on."""
    before = ZERO
    for number, batch in enumerate(batches, 1):
        if batch["sequence"] != number:
            yield f"batch {number}: it is missing"
            return
        if payload_hash(batch) != batch["payload_hash"]:
            yield f"batch {number}: the content is not what was hashed"
        if batch["prev_hash"] != before or link_hash(batch, before) != batch["hash"]:
            yield f"batch {number}: the link is broken"
        for currency in {leg["currency"] for leg in batch["legs"]}:
            if sum(leg["amount_minor"] for leg in batch["legs"] if leg["currency"] == currency):
                yield f"batch {number}: it does not balance in {currency}"
        before = batch["hash"]


def broken_days(days: list[Item], batches: list[Item], kept: dict[str, str]) -> Iterator[str]:
    """What does not hold of the seals, from the first day on; ``kept``: day -> a root that was kept elsewhere."""
    hashes = {0: ZERO} | {batch["sequence"]: batch["hash"] for batch in batches}
    before = ZERO
    for day in days:
        if hashes.get(day["last_sequence"]) != day["chain_hash"]:
            yield f"day {day['day']}: the chain has another hash there"
        if root_hash(day, before) != day["root"]:
            yield f"day {day['day']}: the root is not that of the day"
        if kept.get(day["day"], day["root"]) != day["root"]:
            yield f"day {day['day']}: the root is not the one you kept"
        before = day["root"]
    for missing in sorted(set(kept) - {day["day"] for day in days}):
        yield f"day {missing}: it is not sealed"


def problems(batches: list[Item], days: list[Item], kept: dict[str, str]) -> list[str]:
    """Everything that does not hold."""
    return [*broken_batches(batches), *broken_days(days, batches, kept)]


def read(hub: str, key: str) -> tuple[list[Item], list[Item]]:
    """All batches in the order of the chain, and all sealed days, the oldest first."""

    def get(path: str) -> Any:  # noqa: ANN401 (JSON)
        request = urllib.request.Request(f"{hub}/api/v1/ledger/{path}", headers={"Authorization": f"Bearer {key}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    days: list[Item] = []
    while True:  # days first: each that is read here is covered by the batches that are read after it
        page = get(f"days?limit={PAGE}&offset={len(days)}")
        days += page["items"]
        if not page["items"] or len(days) >= page["total"]:
            break
    batches: list[Item] = []
    while True:
        page = get(f"batches?limit={PAGE}&after={len(batches)}")
        batches += page["items"]
        if len(page["items"]) < PAGE:
            return batches, days[::-1]


def main() -> int:
    """Read, check, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("hub")
    parser.add_argument("--root", action="append", default=[], metavar="DAY=HEX", help="a root that you kept")
    arguments = parser.parse_args()
    kept = dict(pair.split("=", 1) for pair in arguments.root)
    batches, days = read(arguments.hub.rstrip("/"), os.environ["HUTONG_KEY"])
    found = problems(batches, days, kept)
    for problem in found:
        print(problem)
    print(f"{len(batches)} batches, {len(days)} sealed days: {'broken' if found else 'sound'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
