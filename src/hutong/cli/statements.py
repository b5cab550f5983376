"""``hutong statement``: is a statement that somebody holds the one that went out?"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import click
import msgspec

from hutong.app import open_runtime
from hutong.cli.keys import find_merchant
from hutong.cli.output import print_json
from hutong.config import load_settings
from hutong.core.errors import NotFound
from hutong.db.house import open_house
from hutong.merchants.service import all_merchants
from hutong.web.i18n import Catalogues
from hutong.web.papers.comparison import DIFFERENCES_TOLD_MAX, Comparison, Difference, compare
from hutong.web.papers.returned import Returned, read_back
from hutong.workflows.runtime import Runtime

#: Finding -> what it says, for people.
WORDS: Final = {
    "lines_match": "文件的每一行都和结算单一致 every line of the file is the statement's",
    "paper_matches": "抬头、合计和封印都和结算单一致 heading, sums and seal are the statement's",
    "totals_hold": "结算单的合计等于每一笔之和 the statement adds up",
    "lines_hold": "每一笔都和入账时一样 every line is as it was booked",
    "day_holds": "封印日的根和今天的账链一致 the day's root agrees with the chain",
    "root_matches": "文件上的根就是这一天的根 the file's root is that day's",
}


@click.group("statement")
def statement_group() -> None:
    """Statements that went out as files. 结算单"""


@statement_group.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--merchant", default="", help="Merchant's id or name; else all are searched. 商户编号或名称")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(file: Path, merchant: str, as_json: bool) -> None:
    """Hold a CSV or XLSX statement against the books, cell by cell, with its seal; exit code 1 if anything differs.

    How shares stand and were paid changes after a file was made: such cells are told with both values, and not judged.
    付款情况会在文件开出之后变化：不同之处会列出，不算改动。

    Of a PDF enter the root on the statement's page in the console.
    """
    settings = load_settings(os.environ)
    returned = read_back(file, Catalogues())

    async def work() -> dict[str, Any]:
        with open_house(settings.home, settings.database_url, attach=True, must_exist=True) as house:
            async with open_runtime(settings, house, "") as runtime:
                merchant_id, found = await _find(runtime, merchant, returned)
        return {
            "statement_id": str(returned.statement_id),
            "merchant": str(merchant_id),
            "is_sound": found.is_sound,
            "lines": len(returned.lines),
            "changed": list(found.changed)[:DIFFERENCES_TOLD_MAX],
            "differences": _told((*found.of_paper, *found.of_lines)),
            "moved": _told(found.moved),
            **_findings(found),
        }

    told = asyncio.run(work())
    if as_json:
        print_json(told)
    else:
        for name, words in WORDS.items():
            if told[name] is not None:
                click.echo(f"{'✓' if told[name] else '✗'} {words}")
        for one in told["differences"]:
            click.echo(f"  ✗ {_where(one)}: 文件 file {one['told']!r} ≠ 账本 books {one['kept']!r}")
        for one in told["moved"]:
            click.echo(f"  • {_where(one)}: 文件 file {one['told']!r}, 现在 now {one['kept']!r}")
    if not told["is_sound"]:
        sys.exit(1)


def _told(differences: Sequence[Difference]) -> list[dict[str, Any]]:
    return [msgspec.to_builtins(one) for one in differences[:DIFFERENCES_TOLD_MAX]]


def _where(one: Mapping[str, Any]) -> str:
    """The title of a cell; of a line with its batch."""
    return f"账本批次 batch {one['batch']} {one['title']}" if one["batch"] else str(one["title"])


def _findings(found: Comparison) -> dict[str, bool | None]:
    checked = found.check
    return {
        "lines_match": not found.of_lines,
        "paper_matches": not found.of_paper,
        "totals_hold": checked.totals_hold,
        "lines_hold": checked.lines_hold,
        "day_holds": checked.day_holds,
        "root_matches": checked.root_matches,
    }


async def _find(runtime: Runtime, wanted: str, returned: Returned) -> tuple[UUID, Comparison]:
    """The merchant whose statement it is, and what was found.

    Raises:
        NotFound: nobody has it.
    """
    if wanted:
        merchants = [await find_merchant(runtime, wanted)]
    else:
        async with runtime.database.plain("system") as connection:
            merchants = [view.merchant_id for view in await all_merchants(connection)]
    for merchant_id in merchants:
        try:
            async with runtime.unit(merchant_id, "statement.check") as unit:
                return merchant_id, await compare(unit, returned, Catalogues())
        except NotFound:
            continue
    raise NotFound(what="statement", key=str(returned.statement_id))
