"""What the pages of platform accounts show; a secret is no part of it."""

from __future__ import annotations

from datetime import datetime

from hutong.web.console.views import View


class AccountField(View, frozen=True, kw_only=True):
    """One field: its words, what stands in it, and what is known of a secret that is kept."""

    name: str
    label: str
    where: str
    kind: str
    needed: bool
    choices: tuple[str, ...] = ()
    value: str = ""  # of a secret always empty
    fault: str = ""
    may_go: bool = False
    is_gone: bool = False
    fingerprint: str = ""
    since: datetime | None = None
    until: datetime | None = None
    is_fixed: bool = False
    expires_soon: bool = False


class AccountGroup(View, frozen=True, kw_only=True):
    """Fields that belong together."""

    title: str
    lead: str
    fields: tuple[AccountField, ...]


class AccountFormView(View, frozen=True, kw_only=True):
    """The form of an account, new or kept."""

    platform: str
    action: str
    groups: tuple[AccountGroup, ...]
    title: str = ""
    mode: str = "live"
    connection_id: str = ""  # empty: new
    has_sandbox: bool = False
    callback_url: str = ""
    earlier_ends_at: datetime | None = None
    forgets: bool = False
    sentence: str = ""
    cause: str = ""
    fix: str = ""
    has_flaws: bool = False  # fields are marked
    may_skip: bool = False  # the platform refused: keep it all the same?
    saved: str = ""  # how the trial went, after a change
