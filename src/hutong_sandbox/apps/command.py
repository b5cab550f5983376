"""The command ``hutong-sandbox apps``: visitors in simulated apps against a running hub."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import click

from hutong.core.errors import HutongError
from hutong_sandbox.apps.schedule import CLICKS_MAX, CellSchedule, random_schedules, read_schedule
from hutong_sandbox.apps.trial import Trial

CLICKS: Final = 1_000
PHASES: Final = 3
RANDOM_MAX: Final = 100


def links_given(words: Iterable[str]) -> dict[str, str]:
    """Links by destination, of words like ``taobao=http://127.0.0.1:8080/l/abc``.

    Raises:
        click.BadParameter: a word is none.
    """
    links = dict(word.partition("=")[::2] for word in words)
    wrong = [name for name, url in links.items() if not url.startswith(("http://", "https://"))]
    if wrong:
        raise click.BadParameter(f"DESTINATION=URL is expected, not {wrong[0]}")
    return links


@click.command("apps")
@click.option("--link", "words", multiple=True, required=True, help="DESTINATION=URL of a hub's link; repeat it.")
@click.option("--schedule", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file of schedules.")
@click.option("--random", "count", type=click.IntRange(0, RANDOM_MAX), default=0, help="So many more made at random.")
@click.option("--clicks", type=click.IntRange(1, CLICKS_MAX), default=CLICKS, show_default=True, help="For each cell.")
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same schedules and visitors.")
@click.option("--mute", is_flag=True, help="The hub hears nothing of what arrives: it cannot learn, and must fail.")
def apps(words: tuple[str, ...], schedule: Path | None, count: int, clicks: int, seed: int, *, mute: bool) -> None:
    """Visitors in apps whose lists change by a schedule; a JSON line for each phase. Exit code 1 if one is not ok."""
    links = links_given(words)
    try:
        cells: list[CellSchedule] = list(read_schedule(schedule)) if schedule else []
    except HutongError as error:
        raise click.ClickException(error.text("en").sentence) from error
    cells += random_schedules(seed, count, PHASES, cells)
    known = [cell for cell in cells if cell.to in links]
    if not known:
        raise click.UsageError("no schedule leads where a link is given for")
    lines: list[dict[str, Any]] = asyncio.run(Trial(known, links, seed, is_mute=mute).run(clicks))
    for line in lines:
        click.echo(json.dumps(line, ensure_ascii=False))
    if not all(line["ok"] for line in lines):
        raise SystemExit(1)
