"""Proof: walls between apps move, and the hub follows within 200 clicks, by schedules that it has never seen.

A hub of its own over HTTP (edge, web, PostgreSQL). Visitors in simulated apps click by the file ``bench/walls.yaml``
and by schedules made at random from the seed, all cells at once, with noise: some have not the app, some run no
scripts, bots come between. Before that, the same with a hub that hears nothing of what arrives: it must fail, or the
proof proves nothing. Prints a JSON line for each phase and a verdict; exit code 1 if a line fails.

    python bench/proof_walls.py [--written N] [--random N] [--clicks N] [--seed S] [--control N]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Final

from restartable import World

from hutong.links.containers import Agent
from hutong.links.destinations import read_target
from hutong.links.jumps.matrix import built_in
from hutong.links.jumps.plan import plan
from hutong_sandbox.apps.cells import ADDRESSES
from hutong_sandbox.apps.schedule import CellSchedule, ScheduleBroken, random_schedules, read_schedule
from hutong_sandbox.apps.trial import SETTLED_CLICKS, Trial

FILE: Final = Path(__file__).parent / "walls.yaml"
WRITTEN_MAX: Final = 200
RANDOM: Final = 20
CLICKS: Final = 900
PHASES: Final = 3
SEED: Final = 20261127
CONTROL: Final = 5
#: Of the schedules that a deaf hub is given, at least so many must fail.
CONTROL_FAILS_MIN: Final = 0.6


def say(**line: Any) -> None:  # noqa: ANN401 (JSON)
    """One result."""
    print(json.dumps({"proof": "walls", **line}, ensure_ascii=False), flush=True)


def links_of(world: World) -> dict[str, str]:
    """A link of the hub's to the first address of each destination: that one names a thing."""
    made = {}
    with world.api() as api:
        for destination, addresses in ADDRESSES.items():
            channel = {"kind": "post", "platform": "weibo", "name": destination}
            body = {"title": destination, "channel": channel, "url": addresses[0]}
            answer = api.post("/links", json=body, headers={"idempotency-key": os.urandom(12).hex()})
            answer.raise_for_status()
            made[destination] = answer.json()["url"]
    return made


def page_first(cells: list[CellSchedule]) -> set[tuple[str, str, str]]:
    """Where the hub's matrix has a page before the app's own way, or no such way for what the link leads to."""
    matrix, found = built_in(), set()
    for cell in cells:
        agent = Agent(container=cell.app, os=cell.system, is_phone=True, is_bot=False)
        first = plan(matrix, agent, read_target(ADDRESSES[cell.to][0]), "https://hub.example/l/abcdefg")[0]
        if first.kind == "page":
            found.add((cell.app, cell.system, cell.to))
    return found


def verdict(lines: list[dict[str, Any]], deaf: list[dict[str, Any]]) -> dict[str, Any]:
    """What came of it; ``ok`` when every phase was followed, and a hub that hears nothing did not manage it."""
    judged = [line for line in lines if line["is_judged"]]
    adapted = [line["adapted_after"] for line in judged]
    cells = {(line["app"], line["system"], line["to"]) for line in deaf}
    failed = {(line["app"], line["system"], line["to"]) for line in deaf if not line["ok"]}
    good = bool(judged) and all(line["ok"] for line in lines) and len(failed) >= CONTROL_FAILS_MIN * len(cells) > 0
    return {
        "phases": len(judged),
        "not_judged": len(lines) - len(judged),
        "failed": sum(not line["ok"] for line in lines),
        "adapted_after_most": None if None in adapted else max(adapted, default=None),
        "adapted_after_allowed": SETTLED_CLICKS,
        "control_cells": len(cells),
        "control_failed": len(failed),
        "ok": good,
    }


def main() -> int:
    """0 when all went as it must."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--written", type=int, default=WRITTEN_MAX, help="of the file, so many")
    parser.add_argument("--random", type=int, default=RANDOM)
    parser.add_argument("--clicks", type=int, default=CLICKS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--control", type=int, default=CONTROL)
    given = parser.parse_args()
    try:
        written = list(read_schedule(FILE))[: given.written]
    except ScheduleBroken as error:
        print(error.text("en").sentence, file=sys.stderr)
        return 2
    started = time.monotonic()
    world = World(seed=given.seed)
    try:
        world.start_hub()
        links = links_of(world)

        def run(cells: list[CellSchedule], *, is_mute: bool) -> list[dict[str, Any]]:
            trial = Trial(cells, links, given.seed, is_mute=is_mute, page_first=page_first(cells))
            lines = asyncio.run(trial.run(given.clicks))
            for line in lines:
                say(kind="control" if is_mute else "trial", **line)
            return lines

        # First the deaf one: what the others teach the hub must not help it.
        deaf = run(written[: given.control], is_mute=True)
        lines = run([*written, *random_schedules(given.seed, given.random, PHASES, written)], is_mute=False)
    finally:
        world.close()
    told = verdict(lines, deaf)
    say(kind="verdict", seed=given.seed, **told, seconds=round(time.monotonic() - started, 1))
    return 0 if told["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
