"""Samples of the pages about sharing."""

from __future__ import annotations

from uuid import UUID

from msgspec import structs

from hutong.core.money import Money
from hutong.links.cards import LinkCard
from hutong.links.pictures import PictureView
from hutong.web.buyer.pages import CardPage
from hutong.web.console.share_views import ShareView
from hutong.web.qr_print import drawn_svg, look_of
from hutong.web.share import ShareCard
from hutong.workflows.commands.page_configs import PageAccount

LINK = "https://shop.example.cn/l/k7Qx1mP"
#: A file that is always there, so that the page has a picture to show.
SEAL = PictureView(
    picture_id=UUID(int=9), name="../static/seal.svg", content_type="image/svg+xml", width=800, height=600
)
CARD = ShareCard(
    shop="老李日用百货",
    title="手工陶瓷马克杯 釉下彩",
    about="",
    url=LINK,
    price=Money.fen(4990),
)
SHOWN = structs.replace(
    CARD,
    title="双十一只这一天：手工陶瓷马克杯 釉下彩 送杯垫",
    about="今天下单，明天发货；摔坏包赔",
    picture=SEAL,
    picture_url="https://shop.example.cn/static/seal.svg",
    is_own=True,
)
OWN = LinkCard(title=SHOWN.title, about=SHOWN.about, picture=SEAL)


def share(card: ShareCard, own: LinkCard, account: PageAccount | None, **more) -> ShareView:
    return ShareView(
        code="k7Qx1mP",
        link_title="十一月新品微博",
        address=LINK,
        share_address="https://shop.example.cn/card/k7Qx1mP",
        host="shop.example.cn",
        own=own,
        card=card,
        has_logo=card.picture is not None,
        account=account,
        qr_svg=drawn_svg(LINK, "QR", look_of("")),
        **more,
    )


SHARE_GALLERY = {
    "link-share-empty": ("/links/k7Qx1mP/share", "console/link_share.html", share(CARD, LinkCard(), None)),
    "link-share": (
        "/links/k7Qx1mP/share",
        "console/link_share.html",
        share(SHOWN, OWN, PageAccount(connection_id=UUID(int=3), title="", problem=None)),
    ),
    "link-share-refused": (
        "/links/k7Qx1mP/share",
        "console/link_share.html",
        share(SHOWN, OWN, PageAccount(connection_id=UUID(int=3), title="", problem="40164")),
    ),
    "card": ("/card/k7Qx1mP", "buyer/card.html", CardPage(code="k7Qx1mP", card=SHOWN)),
    "card-empty": ("/card/k7Qx1mP", "buyer/card.html", CardPage(code="k7Qx1mP", card=CARD)),
}
