"""``hutong import``: what merchants have in files."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final, TextIO
from uuid import UUID

import click
import msgspec

from hutong.app import open_runtime
from hutong.cli.keys import find_merchant
from hutong.cli.output import print_json, progress
from hutong.cli.serve import FIRST_LOGIN, FIRST_SHOP
from hutong.config import load_settings
from hutong.core.errors import InvalidInput
from hutong.core.money import MINOR_DIGITS
from hutong.db.house import open_house
from hutong.db.keystore import PassingKeyStore
from hutong.db.vault import Vault
from hutong.merchants.service import all_merchants
from hutong.platforms.registry import Registry
from hutong.workflows.commands.import_orders import ImportSummary, import_orders, order_files_of
from hutong.workflows.commands.import_reading import ImportProgress, Refusal
from hutong.workflows.commands.open_shop import plan_shop
from hutong.workflows.runtime import Runtime

PROGRESS_EVERY_S: Final = 1.0
#: Refused rows that are told on the terminal; a report holds all of them.
REFUSED_TOLD_MAX: Final = 200


@click.group("import")
def import_group() -> None:
    """Take over files. 导入"""


@import_group.command("orders")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--platform", required=True, help="Whose files: taobao, generic, … 平台")
@click.option(
    "--currency", type=click.Choice(sorted(MINOR_DIGITS)), default="CNY", show_default=True, help="Of all sums. 币种"
)
@click.option("--merchant", default=None, help="Merchant's id or name; not needed where there is one. 商户编号或名称")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Print the same figures, write nothing, make no shop. 只试算，不写入",
)
@click.option("--day-first", is_flag=True, help="Dates like 5/12/10 are day/month/year. 日期先写日")
@click.option("--report", type=click.Path(path_type=Path), default=None, help="Refused rows go to this CSV. 拒收明细")
@click.option("--json", "as_json", is_flag=True, help="One JSON line, nothing else on standard output.")
def orders(
    files: tuple[Path, ...],
    platform: str,
    currency: str,
    merchant: str | None,
    dry_run: bool,
    day_first: bool,
    report: Path | None,
    as_json: bool,
) -> None:
    """Import order files: CSV, XLSX, gzip or zip of them; order file and line file of one platform together. 导入订单

    All or nothing: a file that is broken leaves nothing behind. Importing again changes nothing. Refused rows are told
    on standard error, or in the file named by --report; exit code 1 where all rows are refused, 0 where some are taken.
    The first import into an empty home that takes a row makes a shop and tells its login, once, on standard error. The
    last line is JSON. 全部行被拒收时退出码为 1，部分拒收为 0
    """
    settings = load_settings(os.environ)
    order_files_of(Registry.from_entry_points(), platform)  # a mistyped name shall not even make a home
    teller = _Teller(refused_max=0 if report else REFUSED_TOLD_MAX)

    async def work(out: TextIO | None) -> ImportSummary:
        with open_house(settings.home, settings.database_url, attach=True) as house:
            async with open_runtime(settings, house, "") as opened:
                merchant_id = await _merchant_of(opened, merchant)
                runtime, founding = opened, None
                if merchant_id is None:
                    founding = await plan_shop(opened, FIRST_SHOP, FIRST_LOGIN)
                    merchant_id = founding.merchant_id
                if founding is not None and dry_run:  # a trial in an empty home
                    vault = Vault(house.home.keyring(), PassingKeyStore(), opened.clock)
                    runtime = msgspec.structs.replace(opened, vault=vault)
                summary = await import_orders(
                    runtime,
                    merchant_id,
                    files,
                    platform,
                    currency,
                    dry_run,
                    teller.tell,
                    report=out,
                    on_refused=teller.refused,
                    day_first=day_first,
                    founding=founding,
                )
                if founding is not None and not dry_run and not summary.is_all_refused:
                    progress(f"login {founding.login} {founding.password}")
                return summary

    with ExitStack() as stack:
        out = None
        if report is not None:
            out = stack.enter_context(report.open("w", encoding="utf-8", newline=""))
        summary = asyncio.run(work(out))
    if not as_json:
        _tell(summary, report, teller.refused_count)
    print_json(summary)
    if summary.is_all_refused:
        sys.exit(1)


async def _merchant_of(runtime: Runtime, wanted: str | None) -> UUID | None:
    """The merchant that is named; else the only one; None in a fresh home.

    Raises:
        InvalidInput: there are several and none is named.
    """
    if wanted is not None:
        return await find_merchant(runtime, wanted)
    async with runtime.database.plain("system") as connection:
        merchants = await all_merchants(connection)
    if len(merchants) > 1:
        raise InvalidInput(field="--merchant", problem=", ".join(view.name for view in merchants))
    return merchants[0].merchant_id if merchants else None


class _Teller:
    """Progress on standard error, at most once a second; columns that are not read; rows that are refused."""

    def __init__(self, refused_max: int) -> None:
        self._told_at = 0.0
        self._refused_max = refused_max
        self.refused_count = 0

    def refused(self, row: Refusal) -> None:
        self.refused_count += 1
        if self.refused_count <= self._refused_max:
            progress(f"{row.table} 第 {row.row_no} 行 row: {row.zh} {row.en}")

    def tell(self, news: ImportProgress) -> None:
        if news.unused_columns:
            progress(f"{news.table}: 未使用的列 columns not read: {', '.join(news.unused_columns)}")
        if news.lacking_columns:
            progress(f"{news.table}: 缺少列 column missing: {', '.join(news.lacking_columns)}")
        now = time.monotonic()
        if now - self._told_at < PROGRESS_EVERY_S:
            return
        self._told_at = now
        of_rows = "" if news.of_rows is None else f"/{news.of_rows}"
        progress(f"{news.stage} {news.table} {news.rows}{of_rows}")


def _tell(summary: ImportSummary, report: Path | None, refused_count: int) -> None:
    progress(
        f"{summary.rows_read} = {summary.imported} 导入 imported + {summary.merged} 合并 merged"
        f" + {summary.rejected} 拒收 rejected"
    )
    if fresh := summary.orders_pending - summary.orders_kept:
        progress(
            f"{fresh} 笔订单没有状态或状态无法识别：按待确认记下，实付为 0，不计入销售数字；"
            "补上状态列后重新导入即可 orders without a state that is known: kept as pending, paid 0, in no figure; "
            "import again with the column of states"
        )
    if summary.orders_kept:
        progress(
            f"{summary.orders_kept} 笔订单在文件里没有可识别的状态：已有的状态和金额保持不变 "
            "orders whose state in the files is not known: they keep the state and the amounts that they had"
        )
    if summary.refunds_cut:
        progress(
            f"{summary.refunds_cut} 笔订单的退款金额大于实付：按全额退款记下，请对照平台核实 "
            "orders whose refund in the files is larger than what was paid: taken as refunded whole; check them"
        )
    if summary.states_unknown:
        progress(f"无法识别的状态 states not known: {', '.join(summary.states_unknown)}")
    if report is not None:
        progress(f"拒收明细 refused rows: {report}")
    elif refused_count > REFUSED_TOLD_MAX:
        progress(
            f"{refused_count - REFUSED_TOLD_MAX} 行未列出，请用 --report 保存明细 more rows; keep them with --report"
        )
