"""Forms of platform accounts: what stands in them, and reading what was typed, pasted or uploaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from litestar.datastructures import UploadFile

from hutong.core.errors import HutongError
from hutong.merchants.connections import CredentialTold
from hutong.platforms.contract import Connector
from hutong.platforms.credentials import CREDENTIAL_CHARS_MAX, PRIVATE_KEY, CredentialFlaw, CredentialsRefused, Flaw
from hutong.web.console.account_views import AccountField, AccountFormView, AccountGroup
from hutong.web.console.credential_words import FLAWS, GROUPS, Field, Kind, field_label
from hutong.web.told import Told

#: A certificate that ends within this is marked.
SOON: Final = timedelta(days=30)
#: What the form calls the file of a field.
FILE_SUFFIX: Final = "_file"
#: And the tick that takes it away.
GONE_SUFFIX: Final = "_gone"
#: The form's own fields.
TITLE: Final = "title"
MODE: Final = "mode"
UNTRIED: Final = "untried"
FORGETS: Final = "forgets"


async def typed_in(form: Mapping[str, object], connector: Connector) -> dict[str, str | None]:
    """What was sent for the fields of a platform; a file that was chosen counts before what was pasted. None: ticked to
    be taken away, and nothing entered in its place.

    Raises:
        CredentialsRefused: a file is too long, or is no text.
    """
    found: dict[str, str | None] = {}
    for group in GROUPS[connector.name]:
        for field in group.fields:
            given, file = form.get(field.name, ""), form.get(field.name + FILE_SUFFIX)
            found[field.name] = str(given).replace("\r\n", "\n").strip() if isinstance(given, str) else ""
            if isinstance(file, UploadFile) and (raw := await file.read(CREDENTIAL_CHARS_MAX + 1)):
                found[field.name] = _text(field.name, raw)
            if form.get(field.name + GONE_SUFFIX) == "yes" and not found[field.name]:
                found[field.name] = None
    return found


def form_view(
    connector: Connector,
    values: Mapping[str, str | None],
    told: Mapping[str, CredentialTold],
    now: datetime,
    *,
    action: str,
    is_kept: bool,
    translate: Callable[[str], str],
    error: HutongError | None = None,
) -> AccountFormView:
    """The form with what stands in it; secrets never do."""
    flaws = {one.field: one for one in error.flaws} if isinstance(error, CredentialsRefused) else {}

    def shown(field: Field) -> AccountField:
        typed = values.get(field.name) or ""
        one, is_secret = told.get(field.name), field.kind in (Kind.SECRET, Kind.SECRET_FILE)
        return AccountField(
            name=field.name,
            label=field.label,
            where=field.where,
            kind=field.kind.value,
            needed=field.needed and not (is_secret and one is not None),
            choices=field.choices,
            value="" if is_secret or PRIVATE_KEY in typed else typed,
            fault=fault_text(connector.name, flaws[field.name]).translated(translate) if field.name in flaws else "",
            fingerprint=one.fingerprint if one is not None and is_secret else "",
            may_go=one is not None and is_secret and field.name in connector.optional_fields,
            is_gone=field.name in values and values[field.name] is None,
            since=None if one is None else one.since,
            until=None if one is None else one.until,
            is_fixed=(is_kept and field.name in connector.account_fields)
            or (one is not None and field.name in connector.settled_fields),
            expires_soon=one is not None and one.until is not None and one.until < now + SOON,
        )

    groups = tuple(
        AccountGroup(title=group.title, lead=group.lead, fields=tuple(shown(field) for field in group.fields))
        for group in GROUPS[connector.name]
    )
    return AccountFormView(platform=connector.name, action=action, groups=groups)


def fault_text(platform: str, one: CredentialFlaw) -> Told:
    """What is wrong with a field, in words."""
    if "%(told)s" not in FLAWS[one.flaw]:
        return Told(FLAWS[one.flaw])
    told = Told(field_label(platform, one.told)) if one.flaw is Flaw.TOGETHER else one.told
    return Told(FLAWS[one.flaw], told=told)


def _text(field: str, raw: bytes) -> str:
    if len(raw) > CREDENTIAL_CHARS_MAX:
        raise CredentialsRefused((CredentialFlaw(field=field, flaw=Flaw.TOO_LONG),))
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n").strip()
    except UnicodeDecodeError:
        raise CredentialsRefused((CredentialFlaw(field=field, flaw=Flaw.NO_CERTIFICATE),)) from None
