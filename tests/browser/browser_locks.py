"""Sample content of a link's password: the buyers' page, and the editor of a link that has one."""

from __future__ import annotations

from browser_editor import LINK
from browser_samples import LINK as LINK_PAGE
from browser_samples import LINKS, NOW, SKUS, uid
from browser_share import SHARE_GALLERY
from msgspec import structs

from hutong.links.guesses import Guess
from hutong.links.jumps.ways import Ways
from hutong.links.rules.compiled import Visit, compile_rules
from hutong.links.rules.model import Rules
from hutong.links.rules.service import LinkRules
from hutong.web.buyer.pages import LockPage
from hutong.web.console.link_editor import EditorView
from hutong.web.console.link_forms import shown
from hutong.web.console.link_preview import preview
from hutong.web.share import ShareCard

ASK = LockPage(
    shop="海边小店",
    action="/l/k7Qx1mP?from=poster",
    state="ask",
    chars_max=64,
    report="/r/k7Qx1mP",
    card=ShareCard(shop="海边小店", title="海边小店", about="", url="https://h.example/l/k7Qx1mP"),
)


def _editor(**more: object) -> EditorView:
    seen = Visit(container="", os="", language="zh-CN", at=NOW.replace(hour=14), query="")
    form = shown(LinkRules(rules=Rules(clicks_max=5_000), revision=1, expires_at=None, has_password=True))
    return EditorView(
        link=structs.replace(LINK, lock_id=uid(9)),
        sku_title="",
        form=structs.replace(form, **more),
        zone=Rules().zone,
        skus=SKUS,
        preview=preview(
            compile_rules(Rules(), LINK.url), Ways(), "https://h.example/l/k7Qx1mP", seen, {}, is_locked=True
        ),
    )


ROWS = tuple(structs.replace(row, link=structs.replace(row.link, has_password=True)) for row in LINKS.rows)
LOCKS_GALLERY = {
    "buyer-lock": ("/l/1", "buyer/lock.html", ASK),
    "buyer-lock-wrong": ("/l/1", "buyer/lock.html", structs.replace(ASK, state=Guess.WRONG.value)),
    "buyer-lock-limited": ("/l/1", "buyer/lock.html", structs.replace(ASK, state=Guess.LIMITED.value)),
    "buyer-lock-busy": ("/l/1", "buyer/lock.html", structs.replace(ASK, state=Guess.BUSY.value)),
    "link-editor-locked": ("/links/k7Qx1mP/edit", "console/link_editor.html", _editor()),
    "link-editor-locked-again": ("/links/k7Qx1mP/edit", "console/link_editor.html", _editor(password="x")),
    "links-locked": ("/links", "console/links.html", structs.replace(LINKS, rows=ROWS)),
    "link-locked": ("/links/k7Qx1mP", "console/link.html", structs.replace(LINK_PAGE, row=ROWS[0])),
    "link-share-locked": (
        "/links/k7Qx1mP/share",
        "console/link_share.html",
        structs.replace(SHARE_GALLERY["link-share"][2], is_locked=True),
    ),
}
