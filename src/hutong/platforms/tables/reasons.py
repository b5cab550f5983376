"""Why a row was not taken, in words for people. ``{column}`` and ``{value}`` come from the refusal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec


class Reason(msgspec.Struct, frozen=True):
    """One reason in both languages."""

    zh: str
    en: str


REASONS: Final[Mapping[str, Reason]] = {
    "order_no_missing": Reason(
        "“{column}”没有填写（空白、NaN、null 和“-”都算），没有订单编号。",
        "“{column}” holds nothing (blank, NaN, null or “-”): no order number.",
    ),
    "order_no_damaged": Reason(
        "订单编号“{value}”已被表格软件损坏（长数字丢失了末几位），请从平台重新下载，不要用表格软件打开后另存。",
        "The order number “{value}” was damaged by a spreadsheet (its last digits are lost). Download the file again "
        "and do not save it from a spreadsheet.",
    ),
    "order_no_bad": Reason("“{value}”不是订单编号。", "“{value}” is no order number."),
    "line_no_damaged": Reason(
        "子订单编号“{value}”已被表格软件损坏，请从平台重新下载。",
        "The line number “{value}” was damaged by a spreadsheet. Download the file again.",
    ),
    "formula_uncomputed": Reason(
        "“{column}”是公式“{value}”，文件里没有它的计算结果。请用 Excel 或 WPS 打开，复制这一列，"
        "选择性粘贴为“数值”并保存后再导入。",
        "“{column}” holds the formula “{value}” and the file does not hold its value. Open it in a spreadsheet "
        "program, copy the column, paste it as values only, save, and import again.",
    ),
    "quantity_missing": Reason(
        "“{column}”没有填写（空白、NaN、null 和“-”都算），没有数量。",
        "“{column}” holds nothing (blank, NaN, null or “-”): no quantity.",
    ),
    "quantity_bad": Reason("“{column}”的值“{value}”不是整数。", "“{value}” in “{column}” is no whole number."),
    "quantity_too_large": Reason(
        "“{column}”的值“{value}”太大，不会是一次卖出的件数。", "“{value}” in “{column}” is more than any sale has."
    ),
    "money_missing": Reason(
        "“{column}”没有填写（空白、NaN、null 和“-”都算），没有金额。",
        "“{column}” holds nothing (blank, NaN, null or “-”): no amount.",
    ),
    "money_bad": Reason("“{column}”的值“{value}”不是金额。", "“{value}” in “{column}” is no amount."),
    "money_too_large": Reason(
        "“{column}”的值“{value}”太大，不会是一笔买卖。", "“{value}” in “{column}” is beyond any sale."
    ),
    "money_too_fine": Reason(
        "“{column}”的值“{value}”位数太多，请保留不超过 6 位小数。",
        "“{value}” in “{column}” has too many digits; keep at most 6 decimals.",
    ),
    "paid_negative": Reason(
        "“{column}”是负数“{value}”：买家付的钱不会小于零，退给买家的钱应写在退款金额里。",
        "“{column}” is “{value}”, below zero: nobody pays less than nothing; what went back belongs in the refund.",
    ),
    "time_missing": Reason(
        "“{column}”没有填写（空白、NaN、null 和“-”都算），没有时间。",
        "“{column}” holds nothing (blank, NaN, null or “-”): no time.",
    ),
    "time_bad": Reason(
        "“{column}”的值“{value}”不是可以识别的时间。", "“{value}” in “{column}” is no time that is known here."
    ),
    "total_row": Reason("这一行是合计或说明，不是订单。", "This row is a total or a remark, not an order."),
    "other_currency": Reason(
        "币种“{value}”与所选币种不同。", "The currency “{value}” is not the one chosen for the import."
    ),
    "order_time_unknown": Reason(
        "明细里没有下单时间，也没有找到这个订单的订单行；请把订单报表一起导入。",
        "The line has no time and the order's own row was not found; import the order file together with it.",
    ),
    "joined_cells": Reason(
        "一个单元格里有多个子订单，无法拆分。", "One cell holds several sub-orders, which cannot be told apart."
    ),
    "amount_too_large": Reason("金额超出范围。", "The amount is beyond any sale."),
    "cell_too_long": Reason("“{column}”的内容过长。", "The content of “{column}” is too long."),
}


def reason_text(reason: str, values: Mapping[str, str], locale: str) -> str:
    """The sentence for a refusal; Chinese for any ``zh`` locale."""
    words = REASONS[reason]
    return filled(words.zh if locale.startswith("zh") else words.en, values)


def filled(template: str, values: Mapping[str, str]) -> str:
    """A reason's text, or a translation of it, with what the row holds."""
    return template.format_map(_Values(values))


class _Values(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"
