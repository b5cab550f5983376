"""What columns of a file of links are called, and what an error says of a cell, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hutong.core.errors import ErrorText, HutongError, InvalidInput
from hutong.links.bulk import field_of
from hutong.links.rules.broken import RuleBroken
from hutong.web.console.link_editor import REASON_WORDS
from hutong.web.errors import text_for
from hutong.web.i18n import Catalogues, Locale
from hutong.web.labels import label_of, mark
from hutong.web.told import Told

#: Columns in the order of the template; readers know each by this name in every language.
COLUMN_NAMES: Final[Mapping[str, str]] = {
    "title": mark("名称"),
    "destination": mark("打开后去哪里"),
    "channel": mark("常用渠道"),
    "channel_kind": mark("渠道类型"),
    "channel_platform": mark("发在哪个平台"),
    "channel_name": mark("渠道名称"),
    "tags": mark("标签"),
    "campaign": mark("活动"),
    "share_code": mark("平台口令"),
    "expires_at": mark("结束时间"),
    "clicks_max": mark("最多点击次数"),
    "utm_source": "utm_source",
    "utm_medium": "utm_medium",
    "utm_campaign": "utm_campaign",
    "utm_term": "utm_term",
    "utm_content": "utm_content",
}
#: What is to be written in each, for the page.
COLUMN_HELP: Final[Mapping[str, str]] = {
    "title": mark("必填。自己看的名字，最多 100 个字。"),
    "destination": mark("必填。平台上的网址、自己网站的网址，或商品编码。"),
    "channel": mark(
        "微博、小红书、抖音、快手、今日头条、微信公众号、短信、海报、推广人，选一个；会自动填好类型和来源标记。"
    ),
    "channel_kind": mark("不用常用渠道时填：帖子、视频、直播、海报、推广人、门店。"),
    "channel_platform": mark("可不填。例如微博、微信、小红书，也可以写别的。"),
    "channel_name": mark("可不填，不填就用常用渠道的名字。例如：老李的微博。"),
    "tags": mark("可不填。几个标签之间用逗号隔开；最多 20 个，每个最多 30 个字。"),
    "campaign": mark("可不填，最多 60 个字。例如：双十一。"),
    "share_code": mark("可不填。从平台的应用里复制的口令，原样粘贴；只能配平台上的网址。"),
    "expires_at": mark("可不填。2026-12-31 是到那天结束，2026-12-31 20:00 是到那一刻。"),
    "clicks_max": mark("可不填。满了这么多次就结束。"),
    "utm_source": mark("可不填，最多 60 个字。只加在自己网站的地址上，平台的地址不改。"),
}
#: Fields of a link by the column that they come from.
_COLUMN_OF: Final[Mapping[str, str]] = {
    "url": "destination",
    "SKU": "destination",
    "channel.name": "channel_name",
    "channel.platform": "channel_platform",
    "utm": "utm_source",
}


def column_of(error: HutongError) -> str:
    """The column that an error means."""
    field = field_of(error)
    return _COLUMN_OF.get(field, field)


def column_name(column: str) -> str:
    """What a column is called, to be translated; one that is not known as it is."""
    return COLUMN_NAMES.get(column, column)


def told(error: HutongError, locale: Locale, catalogues: Catalogues) -> ErrorText:
    """The error's texts, with the column called as the file calls it."""
    if isinstance(error, RuleBroken):
        reason, what = str(error.details["reason"]), error.details["what"]
        name = label_of("rule_field", str(error.details["field"]))
        error = InvalidInput(field=Told(name), problem=Told(REASON_WORDS.get(reason, reason), what=what))
    elif isinstance(error, InvalidInput):
        column = column_of(error)
        text = text_for(error.with_details({**error.details, "field": Told(column_name(column))}), locale, catalogues)
        help_text = COLUMN_HELP.get(column)
        fix = text.fix if help_text is None else catalogues.of(locale).ugettext(help_text)
        return ErrorText(text.sentence, text.cause, fix)
    return text_for(error, locale, catalogues)
