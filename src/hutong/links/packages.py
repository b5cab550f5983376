"""The app that a web-view of Android names by its package in ``X-Requested-With``: what no app thinks to change.

Android's web-view sends the package of the app it stands in with what it loads. Where that is an app known here it
beats the User-Agent; anything else (``XMLHttpRequest``, an unknown package, rubbish) says nothing. Traps minded:

- A mini-program's web-view, and WeChat's own, are one package: what the User-Agent adds to the same app stays.
- Browsers of Android's own kind send their own package: there the page is in no app, whatever the User-Agent copies.
- A script's request carries what its library writes there, or nothing: a page is asked for, what a page's script sends
  is not (``web/buyer/jumps.py`` signs what the page saw into the address that takes its word).
- No iPhone sends it, and none of Android's packages stands in one.

The corpus, each package with its source and whether the header was seen with it, is ``tests/unit/links/packages.json``.
"""

from __future__ import annotations

from typing import Final

PACKAGE_CHARS_MAX: Final = 128
#: Container by package.
PACKAGES: Final[dict[str, str]] = {
    "com.tencent.mm": "wechat",
    "com.tencent.wework": "wecom",
    "com.tencent.mobileqq": "qq",
    "com.tencent.tim": "qq",
    "com.ss.android.ugc.aweme": "douyin",
    "com.ss.android.ugc.aweme.lite": "douyin",
    "com.ss.android.article.news": "toutiao",
    "com.ss.android.article.lite": "toutiao",
    "com.smile.gifmaker": "kuaishou",
    "com.kuaishou.nebula": "kuaishou_lite",
    "com.xingin.xhs": "xiaohongshu",
    "com.sina.weibo": "weibo",
    "com.sina.weibolite": "weibo",
    "com.taobao.taobao": "taobao",
    "com.tmall.wireless": "tmall",
    "com.eg.android.AlipayGphone": "alipay",
    "com.unionpay": "unionpay",
    "com.xunmeng.pinduoduo": "pinduoduo",
    "com.jingdong.app.mall": "jd",
    "com.jd.jdlite": "jd",
    "com.jd.pingou": "jd",
    "com.baidu.searchbox": "baidu",
    "com.baidu.searchbox.lite": "baidu",
    "com.alibaba.android.rimet": "dingtalk",
    "com.ss.android.lark": "lark",
    "com.larksuite.suite": "lark",
}
#: Browsers: in them a page is in no app.
BROWSERS: Final = frozenset(
    {
        "com.android.browser",
        "com.android.chrome",
        "com.UCMobile",
        "com.tencent.mtt",
        "com.quark.browser",
        "com.huawei.browser",
        "com.heytap.browser",
        "com.vivo.browser",
        "com.sec.android.app.sbrowser",
        "com.microsoft.emmx",
        "org.mozilla.firefox",
    }
)
#: What the User-Agent may add to a package: another container of the same app.
PARTS: Final[dict[str, frozenset[str]]] = {
    "wechat": frozenset({"wechat_mini"}),
    "alipay": frozenset({"alipay_mini"}),
}


def app_named(requested_with: str) -> str:
    """The container that a package stands for, ``mobile`` for a browser, empty where nothing known is named."""
    if len(requested_with) > PACKAGE_CHARS_MAX:
        return ""
    return "mobile" if requested_with in BROWSERS else PACKAGES.get(requested_with, "")
