"""What the pages about sharing show."""

from __future__ import annotations

from hutong.core.errors import ErrorText
from hutong.links import bios as bio_limits
from hutong.links.bios import BioView, Theme
from hutong.links.cards import ABOUT_CHARS_MAX, TITLE_CHARS_MAX, LinkCard
from hutong.shops.queries import SkuChoice
from hutong.web.console.views import View
from hutong.web.qr_print import DARK_DEFAULT, PRINT_MM
from hutong.web.share import ShareCard
from hutong.workflows.commands.page_configs import PageAccount


class ShareView(View, frozen=True, kw_only=True):
    """What one link is shared as: what was set (``own``), what comes out of it (``card``), and its QR code."""

    code: str
    link_title: str
    address: str
    share_address: str
    host: str
    own: LinkCard
    card: ShareCard
    has_logo: bool
    account: PageAccount | None  # who signs pages in WeChat
    qr_svg: str
    is_locked: bool = False
    trouble: ErrorText | None = None
    title_chars_max: int = TITLE_CHARS_MAX
    about_chars_max: int = ABOUT_CHARS_MAX
    print_mm: tuple[int, ...] = PRINT_MM
    dark: str = DARK_DEFAULT


class BiosView(View, frozen=True, kw_only=True):
    """All pages of links; ``address`` is what their names stand behind."""

    rows: tuple[BioView, ...]
    address: str
    trouble: ErrorText | None = None


class BioEditorView(View, frozen=True, kw_only=True):
    """One page of links, to be changed."""

    bio: BioView
    address: str
    skus: tuple[SkuChoice, ...]
    trouble: ErrorText | None = None
    themes: tuple[Theme, ...] = tuple(Theme)
    title_chars_max: int = bio_limits.TITLE_CHARS_MAX
    about_chars_max: int = bio_limits.ABOUT_CHARS_MAX
    label_chars_max: int = bio_limits.LABEL_CHARS_MAX
