"""Proof: kill -9 at every commit, send and acknowledgement of one story, and the same final figures each time.

One story records the points it reaches. Then, for the N-th point of a fresh story, the hub kills itself there, is
started again on the same home, and the story goes on from where the world stands, while the sandbox lives on. Runs
differ a little in the order of what happens at the same time; a run that ends before its N-th point is told apart.

    python bench/proof_crash.py [--sample K | --points 3,17] [--minutes M]

One JSON object a line; exit code 1 when any run ended with other figures, a breach, or not at all.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from crash_story import CrashStory
from restartable import Died, Unreached, World

from hutong.app import open_runtime
from hutong.cli.story_steps import StoryPlan
from hutong.config import Settings
from hutong.db.home import Home
from hutong.db.house import House, open_house

PLAN = StoryPlan(price_fen=5900, commission_bps=1000, stock=10)
MINUTES_DEFAULT = 120.0
SEED = 1
GOLDEN = 0.6180339887498949


def say(**line: Any) -> None:  # noqa: ANN401 (JSON)
    """One result."""
    print(json.dumps(line, ensure_ascii=False), flush=True)


def progress(text: str) -> None:
    """For the person who waits."""
    print(text, file=sys.stderr, flush=True)


def make_template(home: Path) -> None:
    """A home whose schema is there and whose first shop is not: copied for each run."""
    Home.open(home, demo=True)

    async def migrate(house: House) -> None:
        async with open_runtime(Settings(home=home), house, ""):
            pass

    with open_house(home, None, attach=False) as house:
        asyncio.run(migrate(house))


class Proof:
    """Runs of the same story, each in a copy of the same home."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.template = folder / "template"
        make_template(self.template)
        self.world = World(seed=SEED, home=folder / "home")

    def run(self, crash_points: str) -> tuple[dict[str, Any], CrashStory]:
        """One story; figures, breaches and the story's own account of it."""
        self.world.begin_again(self.template)
        story = CrashStory(self.world, PLAN)
        try:
            figures = story.tell(crash_points)
            if self.world.hub_died():  # the last point may lie behind the last answer
                self.world.start_hub(fresh_login=False)
            figures["breaches"] = self.world.breaches()
        except (Unreached, Died, AssertionError) as problem:
            figures = {"problem": f"{type(problem).__name__}: {problem}", "log": world_log(self.world)}
        return figures, story

    def record(self) -> tuple[list[str], dict[str, Any]]:
        """The points of one undisturbed story, in order, and its figures."""
        points = self.folder / "points"
        figures, _ = self.run(f"record:{points}")
        return points.read_text(encoding="utf-8").split(), figures


def world_log(world: World) -> str:
    """The end of the hub's log, for a failure."""
    log = world.log / "hub.log"
    return log.read_text(errors="replace")[-3000:] if log.exists() else ""


def chosen(arguments: argparse.Namespace, count: int) -> list[int]:
    """Ordinal numbers of the points to kill at; all of them in an order that covers the story evenly at any time."""
    if arguments.points:
        return [int(number) for number in arguments.points.split(",")]
    if arguments.sample:
        step = count / arguments.sample
        return [max(1, round(step * (number + 0.5))) for number in range(arguments.sample)]
    return sorted(range(1, count + 1), key=lambda number: number * GOLDEN % 1)


def main() -> int:
    """The proof; 0 when every run ended as the undisturbed one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, help="only so many points, evenly chosen")
    parser.add_argument("--points", help="only these ordinal numbers")
    parser.add_argument("--minutes", type=float, default=MINUTES_DEFAULT, help="stop after so long and say so")
    arguments = parser.parse_args()
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="hutong-crash-"))
    proof = Proof(folder)
    try:
        return prove(proof, arguments, started)
    finally:
        proof.world.close()
        shutil.rmtree(folder, ignore_errors=True)


def prove(proof: Proof, arguments: argparse.Namespace, started: float) -> int:
    """Record once, then kill once at each chosen point."""
    say(bench="proof_crash", conditions={"cores": os.cpu_count(), "fsync": "on", "seed": SEED})
    points, expected = proof.record()
    say(bench="proof_crash", points=len(points), distinct=len(set(points)), figures=expected)
    if "problem" in expected or expected["breaches"]:
        return 1
    killed = failed = unreached = 0
    whole = True
    for number in chosen(arguments, len(points)):
        if time.monotonic() - started > arguments.minutes * 60:
            whole = False
            break
        figures, story = proof.run(f"kill:{number}")
        if story.deaths == 0 and figures == expected:
            progress(f"no point {number} was reached")
            unreached += 1
            continue
        killed += 1
        good = figures == expected and story.deaths == 1
        failed += not good
        name = points[number - 1] if number <= len(points) else "?"
        progress(f"{number}/{len(points)} about {name}: {'same' if good else 'DIFFERENT'}")
        if not good:
            wrong = {key: value for key, value in figures.items() if value != expected.get(key)}
            say(bench="proof_crash", point=number, about=name, deaths=story.deaths, different=wrong)
    say(
        bench="proof_crash",
        points=len(points),
        killed=killed,
        failed=failed,
        unreached=unreached,
        whole=whole and not (arguments.sample or arguments.points),
        seconds=round(time.monotonic() - started, 1),
    )
    return 1 if failed or not killed else 0


if __name__ == "__main__":
    raise SystemExit(main())
