"""Why the last try to fetch a bill did not succeed, in a merchant's words."""

from __future__ import annotations

from typing import Final

from hutong.web.labels import mark

#: By the code of the error. Where it is none of these the page shows the code itself, for whoever is asked for help.
REASONS: Final[dict[str, str]] = {
    "bill_cut": mark("下载到的文件不完整。"),
    "bill_changed": mark("下载到的文件与钱包给出的校验值不符。"),
    "bill_too_large": mark("文件大得不像账单，没有打开。"),
    "bill_unreadable": mark("文件的格式认不出来。"),
    "bill_contradicts": mark("文件里各行的合计与它自己写明的不同。"),
    "bill_refused": mark("文件不是账单应有的样子。"),
    "platform_failure": mark("钱包那边出错了。"),
    "platform_unknown": mark("钱包没有应答。"),
}


def reason_of(code: str) -> str:
    """The reason's source text; empty where the code has none."""
    return REASONS.get(code, "")
