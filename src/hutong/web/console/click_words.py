"""What a click's words mean to a merchant: what became of it, where from, which system, what kind of machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hutong.analytics.clicks import Became, Who
from hutong.links import machines
from hutong.web.labels import LABELS, mark

WHO: Final[dict[str, str]] = {
    Who.PEOPLE.value: mark("只看人"),
    Who.BOTS.value: mark("只看机器"),
    Who.ALL.value: mark("人和机器"),
}
BECAME: Final[dict[str, str]] = {
    Became.ORDERED.value: mark("下了单"),
    Became.DESK.value: mark("打开了收银台"),
    Became.LEFT.value: mark("去了别的应用"),
    Became.STAYED.value: mark("没有跳出去"),
    Became.LOCKED.value: mark("停在密码页"),
    Became.CLOSED.value: mark("链接没有开放"),
    Became.STRAIGHT.value: mark("点开了，之后没有消息"),
}
REFERRERS: Final[dict[str, str]] = {
    "none": mark("没有来源"),
    "social": mark("社交平台"),
    "search": mark("搜索引擎"),
    "other": mark("其他网页"),
}
MACHINES: Final[dict[str, str]] = {
    machines.PREVIEW: mark("链接预览"),
    machines.SPIDER: mark("搜索爬虫"),
    machines.MONITOR: mark("网站监控"),
    machines.HEADLESS: mark("无界面浏览器"),
    machines.LIBRARY: mark("程序访问"),
    machines.PREFETCH: mark("浏览器预取"),
    machines.HEAD: mark("只探测地址"),
    machines.PART: mark("嵌在别的网页里"),
    machines.NAMELESS: mark("没有自报身份"),
    machines.OTHER: mark("其他机器"),
    machines.LIMITED: mark("点得太快"),
    machines.LOCKED: mark("停在密码页"),
    machines.CLOSED: mark("链接没有开放"),
    "": mark("没有记下种类"),
}
#: Kinds of ways, by the matrix's name of the kind.
WAYS: Final[dict[str, str]] = {
    "scheme": mark("打开应用"),
    "wrapper": mark("经中转页打开应用"),
    "page": mark("打开网页"),
    "guide": mark("按提示在浏览器打开"),
    "code": mark("复制口令"),
    "qr": mark("扫二维码"),
    "": mark("已取消的方式"),
}
NO_LANGUAGE: Final = mark("没有说明")
#: What a picture's parts are called, by the column.
PARTS: Final[dict[str, str]] = {
    "container": mark("在哪里打开"),
    "os": mark("系统"),
    "language": mark("语言"),
    "referrer": mark("来源"),
    "machine": mark("机器的种类"),
}
_WORDS: Final[dict[str, Mapping[str, str]]] = {
    "container": LABELS["container"],
    "os": LABELS["os"],
    "referrer": REFERRERS,
    "machine": MACHINES,
}


def word_of(kind: str, value: str) -> str:
    """The source text of a value of a click's column; what has none is shown as it is."""
    if kind == "language":
        return value or NO_LANGUAGE
    return _WORDS[kind].get(value, value)
