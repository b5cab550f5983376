"""Checks of the fact sheet alone."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from hutong.platforms.conformance.case import Case
from hutong.platforms.contract import CAPABILITIES, OPERATIONS, AmountFormat, ErrorWord, Proof

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{1,30}")
_CHECK: Final = re.compile(r"[a-z0-9-]+/[a-z0-9_]+")
#: A credential whose name has one of these in it is a secret.
SECRET_HINTS: Final = ("secret", "private_key", "token", "password", "api_v3_key", "api_key")
ONLINE: Final = frozenset(CAPABILITIES) - {"order_files"}


def sheet_is_named(case: Case) -> None:
    """Name, and a title in both languages."""
    sheet = case.connector
    assert _NAME.fullmatch(sheet.name), f"name {sheet.name!r} is not lower-case letters, digits and underscores"
    assert sheet.title_zh.strip(), "title_zh is empty"
    assert sheet.title_en.strip(), "title_en is empty"
    assert sheet.capabilities(), "a connector without any capability"


def sheet_knows_its_secrets(case: Case) -> None:
    """Secret fields are credential fields, listed once, and whatever sounds secret is among them."""
    sheet = case.connector
    fields = sheet.credential_fields
    assert len(set(fields)) == len(fields), "a credential field is listed twice"
    assert set(sheet.secret_fields) <= set(fields), "a secret field is no credential field"
    assert set(sheet.optional_fields) <= set(fields), "an optional field is no credential field"
    loud = {field for field in fields if any(hint in field for hint in SECRET_HINTS)}
    assert loud <= set(sheet.secret_fields), f"not marked secret: {sorted(loud - set(sheet.secret_fields))}"
    assert set(case.credentials) >= set(sheet.secret_fields), "the case does not bring every secret"


def sheet_proves_what_it_has(case: Case) -> None:
    """Every capability has its state of proof; nothing is proved that is not there."""
    sheet = case.connector
    assert set(sheet.proofs) == set(sheet.capabilities()), "proofs and capabilities differ"
    assert set(sheet.proofs.values()) <= set(Proof), "a proof is no Proof"


def sheet_calls_judged_what_was_judged(case: Case) -> None:
    """A capability is judged where outside clients agreed on all of its operations, and only there."""
    sheet = case.connector
    known = {f"{capability}.{name}" for capability in sheet.capabilities() for name in OPERATIONS[capability]}
    assert set(sheet.judged_by) <= known, f"judged, but not there: {sorted(set(sheet.judged_by) - known)}"
    for checks in sheet.judged_by.values():
        assert checks, "judged by nobody"
        assert all(_CHECK.fullmatch(check) for check in checks), f"not of the form client/check: {checks}"
    for capability in sheet.capabilities():
        missing = set(OPERATIONS[capability]) - set(sheet.judged_operations(capability))
        if sheet.proofs[capability] is Proof.JUDGED:
            assert not missing, f"{capability} is called judged, but nobody judged {sorted(missing)}"
        elif sheet.proofs[capability] in {Proof.SIMULATED, Proof.UNVERIFIED}:
            assert missing, f"{capability} is judged, but called {sheet.proofs[capability].value}"


def sheet_maps_errors(case: Case) -> None:
    """A platform that is called has error codes; one of them at least says that calls come too fast."""
    sheet = case.connector
    assert set(sheet.error_words.values()) <= set(ErrorWord), "a word is no ErrorWord"
    assert "" not in sheet.error_words, "an error code is empty"
    if ONLINE & set(sheet.capabilities()):
        assert ErrorWord.THROTTLED in sheet.error_words.values(), "no code is mapped to THROTTLED"
        assert {ErrorWord.BAD_SIGNATURE, ErrorWord.TOKEN_EXPIRED} & set(sheet.error_words.values()), (
            "no code says that the credentials are wrong"
        )


def sheet_has_an_address(case: Case) -> None:
    """A platform that is called has an https address without path, a positive rate limit and a money format."""
    sheet = case.connector
    assert sheet.rate_limit.calls > 0, "rate_limit.calls must be positive"
    assert sheet.rate_limit.seconds > 0, "rate_limit.seconds must be positive"
    if not ONLINE & set(sheet.capabilities()):
        return
    parts = urlsplit(sheet.base_url)
    assert parts.scheme == "https", "base_url is not https"
    assert parts.netloc, "base_url has no host"
    assert "@" not in parts.netloc, "base_url carries a login"
    assert sheet.base_url == f"https://{parts.netloc}", "base_url has more than scheme and host"
    if sheet.payments is not None or sheet.orders is not None:
        assert sheet.amount_format is not AmountFormat.NONE, "money is moved, but amount_format says none"


def files_are_not_everybodys(case: Case) -> None:
    """An order file reader does not claim a header that is none."""
    files = case.connector.order_files
    if files is None:
        return
    for header in ((), ("",), ("?", "?", "?"), ("a", "b", "c", "d")):
        assert not files.recognises(header), f"order_files claims the header {header!r}"
