"""The editor of a link's rules, for the gallery: the preview is the real one."""

from __future__ import annotations

from browser_samples import NOW, SKUS, uid
from msgspec import structs

from hutong.links.jumps.ways import Ways
from hutong.links.rules.compiled import Visit, compile_rules
from hutong.links.rules.model import Rule, Rules, Utm, Variant, When, with_keys
from hutong.links.rules.service import LinkRules
from hutong.links.rules.utm import PRESETS
from hutong.links.service import LinkView
from hutong.links.standing import Standing
from hutong.web.console.link_editor import EditorView, Fault, Suggestion
from hutong.web.console.link_forms import shown
from hutong.web.console.link_preview import preview

LINK = LinkView(
    link_id=uid(1),
    code="k7Qx1mP",
    title="十一月新品微博",
    channel_id=uid(1),
    destination="url",
    share_code=None,
    sku_id=None,
    url="https://item.taobao.com/item.htm?id=657812345678",
    state="active",
    created_at=NOW,
    expires_at=None,
)
RULES = with_keys(
    Rules(
        rules=(
            Rule(
                when=When(containers=("xiaohongshu",)),
                url="https://www.xiaohongshu.com/explore/0123456789abcdef01234567",
            ),
            Rule(
                when=When(containers=("wechat", "weibo", "mobile"), from_time="20:00", until_time="02:00"),
                variants=(
                    Variant(weight=1, url="https://item.jd.com/100012043978.html"),
                    Variant(weight=2, sku_id=SKUS[0].sku_id),
                ),
            ),
        ),
        utm=Utm(source="weibo", medium="social", campaign="双十一"),
        clicks_max=5_000,
    )
)


#: Afterwards it leads to a page whose host nobody has proven.
OVER = structs.replace(RULES, over_url="https://shop.example.cn/thank-you")


def _view(rules: Rules, standing: Standing = Standing.ACTIVE, **more: object) -> EditorView:
    seen = Visit(container="", os="", language="zh-CN", at=NOW.replace(hour=14), query="")
    looked = preview(compile_rules(rules, LINK.url), Ways(), "https://h.example/l/k7Qx1mP", seen, {}, standing)
    values: dict[str, object] = {
        "link": LINK,
        "sku_title": "",
        "form": shown(LinkRules(rules=rules, revision=1, expires_at=None)),
        "zone": rules.zone,
        "skus": SKUS,
        "preview": looked,
        "suggestions": tuple(
            Suggestion(key=one.key, name=one.zh_hans, source=one.source, medium=one.medium) for one in PRESETS
        ),
    }
    return EditorView(**{**values, **more})


EDITOR_GALLERY = {
    "link-editor": ("/links/k7Qx1mP/edit", "console/link_editor.html", _view(RULES)),
    "link-editor-closed": ("/links/k7Qx1mP/edit", "console/link_editor.html", _view(OVER, Standing.EXPIRED)),
    "link-editor-asks": (
        "/links/k7Qx1mP/edit",
        "console/link_editor.html",
        _view(with_keys(Rules(rules=(Rule(url="https://shop.example.cn/"),)))),
    ),
    "link-editor-new": ("/links/k7Qx1mP/edit", "console/link_editor.html", _view(Rules(), saved=True)),
    "link-editor-fault": (
        "/links/k7Qx1mP/edit",
        "console/link_editor.html",
        _view(RULES, preview=None, fault=Fault(rule=2, variant=1, field="url", text="“…”")),
    ),
}
