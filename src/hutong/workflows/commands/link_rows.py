"""A row of a file of links as a link to make: what each cell means, or why that cannot be told."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.errors import ErrorText, HutongError, clipped
from hutong.links.bulk import BulkChannel, BulkRow
from hutong.links.destinations import KNOWN_HOSTS, host_of, is_page
from hutong.links.rules.model import Utm
from hutong.links.rules.utm import PRESETS, Preset
from hutong.links.service import ChannelKind
from hutong.platforms.tables.cells import CellRefused, moment, quantity
from hutong.workflows.commands.link_files import NEEDED, FileRow

TAG_ENDS: Final = re.compile(r"[,，、;；|]")
#: Kinds of channels as people write them.
KINDS: Final[Mapping[ChannelKind, tuple[str, ...]]] = {
    ChannelKind.POST: ("帖子", "貼文", "post"),
    ChannelKind.VIDEO: ("视频", "影片", "視頻", "video"),
    ChannelKind.LIVE: ("直播", "live", "live stream"),
    ChannelKind.POSTER: ("海报", "海報", "poster"),
    ChannelKind.PERSON: ("推广人", "推廣人", "person"),
    ChannelKind.STORE: ("门店", "門店", "store"),
}
#: Platforms as people write them; another one is taken as it stands.
PLATFORMS: Final[Mapping[str, tuple[str, ...]]] = {
    "weibo": ("微博", "weibo"),
    "wechat": ("微信", "wechat"),
    "xiaohongshu": ("小红书", "小紅書", "xiaohongshu"),
    "douyin": ("抖音", "douyin"),
    "kuaishou": ("快手", "kuaishou"),
    "toutiao": ("今日头条", "今日頭條", "头条", "頭條", "toutiao"),
    "other": ("其他", "other"),
}


def _plain(text: str) -> str:
    """For matching: full-width forms narrowed, no blanks, lower case."""
    return "".join(unicodedata.normalize("NFKC", text).split()).lower()


_KIND: Final = {_plain(name): kind for kind, names in KINDS.items() for name in (*names, kind.value)}
_PLATFORM: Final = {_plain(name): key for key, names in PLATFORMS.items() for name in names}
_PRESET: Final = {_plain(name): one for one in PRESETS for name in (one.key, one.zh_hans, one.zh_hant, one.en)}
_NAMES: Final = "、".join(one.zh_hans for one in PRESETS)
_NAMES_EN: Final = ", ".join(one.en for one in PRESETS)


class CellMissing(HutongError):
    """A cell that every link needs is empty."""

    code = "link_cell_missing"
    status = 400
    zh = ErrorText("这一格没有填。", "每条链接都要有名称、打开后去哪里和渠道。", "请填上这一格。")
    en = ErrorText("This cell is empty.", "Every link needs a name, where it leads to and a channel.", "Fill it in.")


class CellIsFormula(HutongError):
    """A cell is a formula whose value the file does not hold."""

    code = "link_cell_formula"
    status = 400
    zh = ErrorText(
        "这一格是公式，文件里没有它的结果。",
        "有些程序写文件时不计算公式。",
        "请用 Excel 或 WPS 打开，复制这一列，选择性粘贴为“数值”，保存后再上传。",
    )
    en = ErrorText(
        "This cell is a formula, and the file does not hold its value.",
        "Some programs write formulas without computing them.",
        "Open the file in a spreadsheet program, paste the column as values only, save, and upload it again.",
    )


class ProductCodeUnknown(HutongError):
    """A destination is neither an address nor a code of the shop's goods."""

    code = "link_product_unknown"
    status = 400
    zh = ErrorText(
        "“{value}”不是网址，也不是您的商品编码。",
        "网址要写完整；商品编码要和商品里的一模一样。",
        "网址请从 https:// 写起；商品编码请照商品页面上的抄。",
    )
    en = ErrorText(
        "“{value}” is neither an address nor one of your product codes.",
        "An address must be complete, and a code exactly as the product has it.",
        "Begin an address with https://, or copy the code from the product.",
    )


class ChannelUnknown(HutongError):
    """A channel is no usual one, and its row does not say what kind it is."""

    code = "link_channel_unknown"
    status = 400
    zh = ErrorText(
        "“{value}”不是常用渠道。",
        f"常用渠道有：{_NAMES}。",
        "请改成其中一个；自己的渠道请填“渠道类型”和“渠道名称”两列。",
    )
    en = ErrorText(
        "“{value}” is not one of the usual channels.",
        f"These are: {_NAMES_EN}.",
        "Write one of them, or fill in “Kind of channel” and “Channel name” for a channel of your own.",
    )


class ChannelKindUnknown(HutongError):
    """A kind of channel is none that is known."""

    code = "link_channel_kind_unknown"
    status = 400
    zh = ErrorText("“{value}”不是渠道类型。", "渠道类型有：帖子、视频、直播、海报、推广人、门店。", "请改成其中一个。")
    en = ErrorText(
        "“{value}” is no kind of channel.",
        "There are: post, video, live, poster, person, store.",
        "Write one of them.",
    )


class EndUnreadable(HutongError):
    """The end of a link is no time that is known."""

    code = "link_end_unreadable"
    status = 400
    zh = ErrorText("看不懂时间“{value}”。", "时间按店铺当地时间写。", "请写成 2026-12-31 或 2026-12-31 20:00。")
    en = ErrorText(
        "The time “{value}” cannot be read.",
        "Times are those of the shop.",
        "Write 2026-12-31 or 2026-12-31 20:00.",
    )


class EndPassed(HutongError):
    """A link would be over before it is made."""

    code = "link_end_passed"
    status = 400
    zh = ErrorText("时间“{value}”已经过去。", "这条链接一建好就打不开。", "请写以后的时间，或者留空。")
    en = ErrorText(
        "The time “{value}” has passed.",
        "The link would be over as soon as it is made.",
        "Write a later one, or leave it empty.",
    )


class ClicksUnreadable(HutongError):
    """A limit of clicks is no whole number."""

    code = "link_clicks_unreadable"
    status = 400
    zh = ErrorText("“{value}”不是次数。", "次数是整数，最少 1。", "请只写数字，例如 500，或者留空。")
    en = ErrorText(
        "“{value}” is no number of clicks.",
        "It is a whole number, at least 1.",
        "Write figures only, such as 500, or leave it empty.",
    )


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What cells are read with: the shop's time, now, and its goods by the seller's codes."""

    zone: tzinfo
    now: datetime
    skus: Mapping[str, UUID]


def product_codes(rows: Iterable[FileRow]) -> set[str]:
    """What may be codes of goods, for looking them up all at once."""
    texts = (row.cells.get("destination", "") for row in rows)
    return {code for text in texts if text and not _is_address(text) for code in (text, _narrow(text))}


def link_of(row: FileRow, reading: Reading) -> BulkRow | HutongError:
    """The link that a row means, or why it means none; whether it can be made is looked at elsewhere."""
    try:
        return _link(row, reading)
    except HutongError as error:
        return error


def _link(row: FileRow, reading: Reading) -> BulkRow:
    cell = row.cells.get
    if row.formulas:
        raise CellIsFormula(field=row.formulas[0])
    for field in NEEDED:
        if not cell(field):
            raise CellMissing(field=field)
    preset, channel = _channel(row)
    destination = cell("destination", "")
    is_address = _is_address(destination)
    return BulkRow(
        title=cell("title", ""),
        channel=channel,
        url=destination if is_address else None,
        sku_id=None if is_address else _sku(destination, reading.skus),
        share_code=cell("share_code", ""),
        tags=tuple(tag for one in TAG_ENDS.split(cell("tags", "")) if (tag := one.strip())),
        campaign=cell("campaign", ""),
        expires_at=_end(cell("expires_at", ""), reading),
        clicks_max=_clicks(cell("clicks_max", "")),
        utm=_utm(row, preset if is_address and _is_own(destination) else None),
    )


def _is_address(text: str) -> bool:
    return "://" in text


def _narrow(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()


def _is_own(url: str) -> bool:
    """Whether the page may be the merchant's own: only there are parameters put on."""
    try:
        return is_page(url.lower()) and host_of(url) not in KNOWN_HOSTS
    except ValueError:
        return False


def _sku(text: str, skus: Mapping[str, UUID]) -> UUID:
    found = skus.get(text) or skus.get(_narrow(text))
    if found is None:
        raise ProductCodeUnknown(field="destination", value=clipped(text))
    return found


def _channel(row: FileRow) -> tuple[Preset | None, BulkChannel]:
    """A usual channel by its name, or one of the merchant's own by kind, platform and name."""
    given = {name: row.cells.get(name, "") for name in ("channel", "channel_kind", "channel_platform", "channel_name")}
    if not any(given.values()):
        raise CellMissing(field="channel")
    preset = _PRESET.get(_plain(given["channel"])) if given["channel"] else None
    kind = _KIND.get(_plain(given["channel_kind"]))
    if given["channel_kind"] and kind is None:
        raise ChannelKindUnknown(field="channel_kind", value=clipped(given["channel_kind"]))
    if given["channel"] and preset is None and kind is None:
        raise ChannelUnknown(field="channel", value=clipped(given["channel"]))
    if preset is None and kind is None:
        raise CellMissing(field="channel_kind")
    name = given["channel_name"] or given["channel"]
    if not name:
        raise CellMissing(field="channel_name")
    platform = _PLATFORM.get(_plain(given["channel_platform"]), given["channel_platform"])
    made = BulkChannel(
        kind=kind or ChannelKind(preset.kind if preset else ""),
        platform=platform or (preset.platform if preset else ""),
        name=name,
    )
    return preset, made


def _end(text: str, reading: Reading) -> datetime | None:
    """A time of the shop; a day without one ends with it."""
    if not text:
        return None
    try:
        read = moment(text, "", reading.zone)
    except CellRefused:
        read = None
    if read is None:
        raise EndUnreadable(field="expires_at", value=clipped(text))
    local = read.astimezone(reading.zone)
    if (local.hour, local.minute, local.second) == (0, 0, 0):
        read = (local + timedelta(days=1)).astimezone(UTC)
    if read <= reading.now:
        raise EndPassed(field="expires_at", value=clipped(text))
    return read


def _clicks(text: str) -> int:
    if not text:
        return 0
    try:
        read = quantity(text, "")
    except CellRefused:
        read = None
    if read is None or read < 1:
        raise ClicksUnreadable(field="clicks_max", value=clipped(text))
    return read


def _utm(row: FileRow, preset: Preset | None) -> Utm:
    """What the row says; a usual channel says source and medium where its row does not."""
    given = {name: row.cells.get(f"utm_{name}", "") for name in Utm.__struct_fields__}
    if preset is not None:
        given["source"] = given["source"] or preset.source
        given["medium"] = given["medium"] or preset.medium
    return Utm(**given)
