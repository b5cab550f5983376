"""Checks of callbacks: what verifies, what never does, and that only one error ever comes out."""

from __future__ import annotations

import asyncio
import base64
import random
from collections.abc import Mapping
from typing import Final

from hutong.core.errors import InvalidSignature
from hutong.platforms.conformance.case import Case
from hutong.platforms.conformance.doubles import silence
from hutong.platforms.payments import Callbacks

MUTATIONS: Final = 2_000
SEED: Final = 20261123
#: Callbacks with made-up headers, at one moment.
STRANGERS: Final = 20
SIGNATURE_WORDS: Final = ("sign", "serial", "nonce", "timestamp")


def genuine_callbacks_verify(case: Case) -> None:
    """A callback of this moment verifies, has an id, and carries one report at most."""
    callbacks = case.connector.callbacks
    if callbacks is None:
        return
    headers, body = _notice(case)
    notice = callbacks.verify(case.account(silence)[0], headers, body)
    assert notice.notice_id, "a notice without an id cannot be kept apart from its repetition"
    assert notice.trade is None or notice.refund is None, "a notice with two reports"
    report = notice.trade or notice.refund
    assert report is None or report.owner, "a report that does not say whose account it is about"
    assert report is None or report.amount is not None, "a report without an amount"


def other_callbacks_do_not(case: Case) -> None:
    """Stale, early, another account's, unsigned, empty: InvalidSignature."""
    callbacks = case.connector.callbacks
    if callbacks is None:
        return
    headers, body = _notice(case)
    _refused(case, callbacks, {}, body, "no headers")
    _refused(case, callbacks, headers, b"", "no body")
    for name in _signed_headers(headers):
        _refused(case, callbacks, {key: value for key, value in headers.items() if key != name}, body, f"no {name}")
    assert case.stranger, "the case brings no stranger's credentials"
    _refused(case, callbacks, headers, body, "another account's callback", case.stranger)
    for off in (case.stale, -case.stale):
        case.clock.advance(off)
        try:
            _refused(case, callbacks, headers, body, "a callback of another day")
        finally:
            case.clock.advance(-off)


def mutated_callbacks_never_verify(case: Case) -> None:
    """Thousands of small changes to body and signed headers: InvalidSignature each time, and nothing else."""
    callbacks = case.connector.callbacks
    if callbacks is None:
        return
    headers, body = _notice(case)
    signed = _signed_headers(headers)
    dice = random.Random(SEED)  # noqa: S311 (a repeatable test, no secret)
    for _ in range(MUTATIONS):
        if dice.random() < 0.5 or not signed:
            changed_body = _mutated(dice, body)
            if case.signed_part(changed_body) != case.signed_part(body):
                _refused(case, callbacks, headers, changed_body, "a changed body")
        else:
            name = dice.choice(signed)
            changed = _mutated(dice, headers[name].encode()).decode("latin-1")
            if not _same_value(changed, headers[name]):
                _refused(case, callbacks, {**headers, name: changed}, body, f"a changed {name}")
    callbacks.verify(case.account(silence)[0], headers, body)


def preparing_is_bounded(case: Case) -> None:
    """``prepare`` asks once at most, whatever the headers hold, and never raises for them."""
    callbacks = case.connector.callbacks
    if callbacks is None:
        return
    genuine, _ = _notice(case)
    strange = dict.fromkeys(genuine, "?" * 1000)
    for headers in ({}, genuine, strange, dict.fromkeys(genuine, "")):
        account, http = case.account(silence)
        asyncio.run(callbacks.prepare(account, headers))
        assert len(http.sent) <= 1, "prepare sent more than one request"
    sent = 0
    for number in range(STRANGERS):
        account, http = case.account(silence)
        asyncio.run(callbacks.prepare(account, dict.fromkeys(genuine, f"{number:X}")))
        sent += len(http.sent)
    assert sent <= 1, "every stranger's header makes the hub send a request"


def answers_to_callbacks_are_plain(case: Case) -> None:
    """Acknowledged is 2xx, refused is 4xx or 5xx, so that the platform stops or repeats."""
    callbacks = case.connector.callbacks
    if callbacks is None:
        return
    assert 200 <= callbacks.acknowledge().status < 300, "an acknowledgement that is none"
    assert callbacks.refuse(InvalidSignature.code).status == 401, "bytes that do not verify are answered with 401"
    assert callbacks.refuse("internal").status >= 400, "a refusal that is none"


def _notice(case: Case) -> tuple[Mapping[str, str], bytes]:
    assert case.forgery is not None, "the case brings no forged answers"
    assert case.forgery.notice is not None, "the case brings no forged callback"
    return case.forgery.notice()


def _refused(
    case: Case,
    callbacks: Callbacks,
    headers: Mapping[str, str],
    body: bytes,
    label: str,
    credentials: Mapping[str, str] | None = None,
) -> None:
    account, _ = case.account(silence, credentials)
    try:
        callbacks.verify(account, headers, body)
    except InvalidSignature:
        return
    raise AssertionError(f"{label} verified")


def _signed_headers(headers: Mapping[str, str]) -> list[str]:
    names = [name for name in headers if any(word in name for word in SIGNATURE_WORDS)]
    return [name for name in names if not name.endswith("-type")]


def _same_value(left: str, right: str) -> bool:
    """Letter case, leading zeros and the unused bits of Base64 may be written in several ways."""
    if left.lstrip("0").upper() == right.lstrip("0").upper():
        return True
    try:
        return base64.b64decode(left, validate=True) == base64.b64decode(right, validate=True)
    except ValueError:
        return False


def _mutated(dice: random.Random, data: bytes) -> bytes:
    """Cut, inserted, removed, flipped or rotated: never the same bytes again."""
    at = dice.randrange(len(data) + 1)
    changed = {
        0: data[:at],
        1: data[:at] + bytes([dice.randrange(256)]) + data[at:],
        2: data[:at] + data[at + 1 :],
        3: data[:at] + bytes([data[at % len(data)] ^ (1 << dice.randrange(8))]) + data[at + 1 :],
        4: data[at:] + data[:at],
    }[dice.randrange(5)]
    return changed if changed != data else data + b"?"
