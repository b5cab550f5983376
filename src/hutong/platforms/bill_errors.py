"""Why a wallet's bill was not taken; nothing of a bill that is refused is used."""

from __future__ import annotations

from hutong.core.errors import ErrorText, HutongError


class BillRefused(HutongError):
    """Base: there is a file, and it is not what it must be. Details: ``platform``, ``day``, where known ``row``."""

    code = "bill_refused"
    status = 502
    zh = ErrorText(
        "平台 {platform} 的 {day} 账单不能用。", "账单文件不是应有的样子。", "会自动重新下载；一直如此请联系平台。"
    )
    en = ErrorText(
        "The bill of {platform} for {day} cannot be used.",
        "The file is not what it must be.",
        "It is fetched again by itself; if it stays so, ask the platform.",
    )


class BillCut(BillRefused):
    """The file ends before its end, or cannot be unpacked or read as text."""

    code = "bill_cut"
    zh = ErrorText(
        "平台 {platform} 的 {day} 账单不完整（第 {row} 行附近）。",
        "下载中断，或压缩包、文字编码已损坏。",
        "会自动重新下载；一直如此请联系平台。",
    )
    en = ErrorText(
        "The bill of {platform} for {day} is not whole (near row {row}).",
        "The download broke off, or the archive or its text is damaged.",
        "It is fetched again by itself; if it stays so, ask the platform.",
    )


class BillChanged(BillRefused):
    """The file's digest is not the one that the platform named in its signed answer."""

    code = "bill_changed"
    zh = ErrorText(
        "平台 {platform} 的 {day} 账单与平台给出的校验值不符。",
        "文件在下载途中被改动或损坏。",
        "会自动重新下载；一直如此请检查服务器的网络。",
    )
    en = ErrorText(
        "The bill of {platform} for {day} does not have the digest that the platform named.",
        "The file was changed or damaged on its way.",
        "It is fetched again by itself; if it stays so, check the server's network.",
    )


class BillTooLarge(BillRefused):
    """A small archive that unpacks to something huge, or a file beyond a named limit."""

    code = "bill_too_large"
    zh = ErrorText(
        "平台 {platform} 的 {day} 账单过大，已拒绝：{limit} 最多 {most}。",
        "解压后的内容远大于正常账单，或有一行过长。",
        "请在平台后台下载这一天的账单核对，并联系平台。",
    )
    en = ErrorText(
        "The bill of {platform} for {day} is too large and was refused: {limit} is at most {most}.",
        "It unpacks to far more than any bill, or has an endless line.",
        "Look at that day's bill in the platform's console, and ask the platform.",
    )


class BillUnreadable(BillRefused):
    """A column is missing, a row has other cells than the header, or a cell holds no number, time or amount."""

    code = "bill_unreadable"
    zh = ErrorText(
        "平台 {platform} 的 {day} 账单第 {row} 行无法识别：{column}。",
        "平台可能改了账单格式，或商品名称里有分隔符。",
        "请升级互通；也可在平台后台下载这一天的账单核对。",
    )
    en = ErrorText(
        "Row {row} of the bill of {platform} for {day} cannot be read: {column}.",
        "The platform may have changed the form, or a product's name holds a separator.",
        "Upgrade Hutong; or look at that day's bill in the platform's console.",
    )


class BillContradicts(BillRefused):
    """The rows do not add up to what the bill states of itself."""

    code = "bill_contradicts"
    zh = ErrorText(
        "平台 {platform} 的 {day} 账单自相矛盾：{column} 写明 {stated}，各行合计 {found}。",
        "文件缺了行或多了行。",
        "会自动重新下载；一直如此请联系平台。",
    )
    en = ErrorText(
        "The bill of {platform} for {day} contradicts itself: it states {column} as {stated}, its rows make {found}.",
        "Rows are missing or too many.",
        "It is fetched again by itself; if it stays so, ask the platform.",
    )
