"""Samples of the pages about sharing."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from browser_samples import SKUS
from msgspec import structs

from hutong.core.money import Money
from hutong.links.bios import BioEntry, BioState, BioView, Theme
from hutong.links.cards import LinkCard
from hutong.links.pictures import PictureView
from hutong.web.buyer.pages import BioPage, CardPage
from hutong.web.console.share_views import BioEditorView, BiosView, ShareView
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


NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
BIO = BioView(
    bio_id=UUID(int=5),
    name="laoli",
    channel_id=UUID(int=6),
    title="老李的杯子",
    about="手工陶瓷，江西景德镇，每周五开窑",
    theme=Theme.PAPER,
    state=BioState.LIVE,
    picture=SEAL,
    entries=tuple(
        BioEntry(entry_id=UUID(int=number), label=label, code=f"k7Qx1m{number}", is_open=number != 3)
        for number, label in enumerate(("淘宝店买杯子", "看做杯子的视频", "去年的款式", "微信里直接下单"), 1)
    ),
    changed_at=NOW,
)
DRAFT = structs.replace(BIO, picture=None, about="", entries=(), state=BioState.DRAFT, theme=Theme.JADE)
BIO_CARD = ShareCard(shop="老李日用百货", title=BIO.title, about=BIO.about, url="https://shop.example.cn/u/laoli")


def editor(bio: BioView) -> BioEditorView:
    return BioEditorView(bio=bio, address="https://shop.example.cn/u/laoli", skus=SKUS)


SHARE_GALLERY = {
    "bios": ("/bios", "console/bios.html", BiosView(rows=(BIO, DRAFT), address="https://shop.example.cn/u/")),
    "bios-empty": ("/bios", "console/bios.html", BiosView(rows=(), address="https://shop.example.cn/u/")),
    "bio-editor": ("/bios/laoli", "console/bio.html", editor(BIO)),
    "bio-editor-empty": ("/bios/laoli", "console/bio.html", editor(DRAFT)),
    "bio": ("/u/laoli", "buyer/bio.html", BioPage(bio=BIO, card=BIO_CARD)),
    "bio-jade": ("/u/laoli", "buyer/bio.html", BioPage(bio=structs.replace(BIO, theme=Theme.JADE), card=BIO_CARD)),
    "bio-seal": ("/u/laoli", "buyer/bio.html", BioPage(bio=structs.replace(BIO, theme=Theme.SEAL), card=BIO_CARD)),
    "bio-empty": ("/u/laoli", "buyer/bio.html", BioPage(bio=DRAFT, card=BIO_CARD)),
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
