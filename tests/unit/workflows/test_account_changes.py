"""Changing an account's credentials: what stays, what goes, what is fixed, and what is refused."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace

import msgspec
import pytest

from hutong.connectors.alipay import CONNECTOR as ALIPAY
from hutong.connectors.wechatpay import CONNECTOR as WECHAT
from hutong.core.errors import InvalidSignature, PlatformUnknown
from hutong.merchants.connections import CredentialTold, Mode
from hutong.platforms.contract import Connector
from hutong.platforms.credentials import CredentialFlaw, CredentialsRefused, Examined, Flaw
from hutong.web.console.account_forms import form_view, typed_in
from hutong.workflows.commands.connect import NewAccount, Trial, fixed_in, look_at, merged, prepare_account

NOW = datetime(2026, 11, 27, tzinfo=UTC)
RUNTIME = SimpleNamespace(clock=SimpleNamespace(now=lambda: NOW))
KEY = "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----"


def finding(connector: Connector, **flaws: Flaw) -> Connector:
    """The platform with an examination that always finds the same."""
    found = Examined(flaws=tuple(CredentialFlaw(field=name, flaw=flaw) for name, flaw in flaws.items()))
    return msgspec.structs.replace(connector, examine=lambda *_: found)


def refused(connector, credentials, mode=Mode.LIVE, **more):
    with pytest.raises(CredentialsRefused) as caught:
        look_at(RUNTIME, connector, credentials, mode, {}, **more)
    return {one.field: one.flaw for one in caught.value.flaws}


@pytest.mark.parametrize(("connector", "field"), [(WECHAT, "mini_appid"), (ALIPAY, "seller_id")])
def test_what_open_payments_are_told_by_is_entered_once(connector, field):
    assert fixed_in(connector, {}, {field: "a"}) == []
    assert fixed_in(connector, {field: "a "}, {field: "a"}) == []
    assert fixed_in(connector, {field: "a"}, {field: "b"}) == [field]
    assert fixed_in(connector, {field: "a"}, {}) == [field]


def test_a_key_in_the_other_form_takes_the_place_of_the_one_before():
    before = {"app_id": "1", "private_key_pkcs8": "old"}
    typed = {"app_id": "1", "private_key_pkcs8": "", "private_key_pkcs1": "new"}
    assert merged(ALIPAY, before, typed) == {"app_id": "1", "private_key_pkcs1": "new"}
    assert merged(ALIPAY, before, {"app_id": "1", "private_key_pkcs1": ""}) == before


def test_a_secret_stays_unless_it_is_taken_away():
    before = {"mchid": "1", "api_key": "old", "line_url": "http://here"}
    assert merged(WECHAT, before, {"mchid": "1", "api_key": ""}) == before
    assert merged(WECHAT, before, {"mchid": "1", "api_key": None}) == {"mchid": "1", "line_url": "http://here"}


def test_the_form_takes_away_what_is_ticked_and_not_entered_anew():
    ticked = {"api_key_gone": "yes", "mini_app_secret_gone": "yes", "mini_app_secret": "new"}
    typed = asyncio.run(typed_in(ticked, WECHAT))
    assert (typed["api_key"], typed["mini_app_secret"], typed["app_secret"]) == (None, "new", "")
    told = {name: CredentialTold(fingerprint="ab", since=NOW) for name in ("api_key", "app_secret", "public_key")}
    view = form_view(WECHAT, typed, told, NOW, action="/", is_kept=True, translate=str)
    fields = {field.name: field for group in view.groups for field in group.fields}
    assert [name for name, field in fields.items() if field.may_go] == ["api_key"], "what is needed stays"
    assert [name for name, field in fields.items() if field.is_gone] == ["api_key"]


@pytest.mark.parametrize("flaw", [Flaw.EXPIRED, Flaw.NOT_YET])
def test_a_certificate_that_stays_is_not_refused_for_its_age(flaw):
    connector, kept = finding(WECHAT, client_certificate=flaw), {"client_certificate": "text"}
    look_at(RUNTIME, connector, kept, Mode.LIVE, {}, before=kept)
    assert refused(connector, kept, before={"client_certificate": "another"}) == {"client_certificate": flaw}
    broken = finding(WECHAT, client_certificate=Flaw.NO_PAIR)
    assert refused(broken, kept, before=kept) == {"client_certificate": Flaw.NO_PAIR}


def test_what_no_form_shows_and_stays_is_not_refused():
    connector, kept = finding(WECHAT), {"line_url": "http://127.0.0.1:1"}
    look_at(RUNTIME, connector, kept, Mode.SANDBOX, {}, before=kept)
    assert refused(connector, kept, Mode.SANDBOX) == {"line_url": Flaw.SANDBOX_ONLY}


def test_a_private_key_in_an_open_field_is_refused_and_never_shown_again():
    connector, typed = finding(WECHAT), {"public_key": KEY, "private_key": KEY}
    assert refused(connector, typed) == {"public_key": Flaw.PRIVATE_KEY}
    assert refused(connector, typed, before=typed) == {"public_key": Flaw.PRIVATE_KEY}
    view = form_view(WECHAT, typed, {}, NOW, action="/", is_kept=True, translate=str)
    values = {field.name: field.value for group in view.groups for field in group.fields}
    assert values["public_key"] == values["private_key"] == ""


class Answering:
    """A wallet whose answer to every question is this error."""

    def __init__(self, cause):
        self.cause = cause

    async def query(self, account, out_trade_no):
        raise PlatformUnknown(platform="alipay") from self.cause


@pytest.mark.parametrize(
    ("cause", "told"), [(InvalidSignature(), {"alipay_public_key": Flaw.UNFIT}), (None, Trial.SILENT)]
)
def test_an_answer_that_does_not_verify_is_no_silence(cause, told):
    connector = msgspec.structs.replace(finding(ALIPAY), payments=Answering(cause))
    runtime = SimpleNamespace(
        clock=RUNTIME.clock,
        link_key=b"x" * 32,
        registry=SimpleNamespace(get=lambda _: connector),
        http=SimpleNamespace(account=lambda *_: None),
    )
    new = NewAccount(platform="alipay", mode=Mode.LIVE, credentials={"app_id": "1", "alipay_public_key": "key"})
    try:
        found = asyncio.run(prepare_account(runtime, new, is_tried=True)).trial
    except CredentialsRefused as error:
        found = {one.field: one.flaw for one in error.flaws}
    assert found == told


def test_an_account_from_before_shows_what_is_fixed():
    def fixed(is_kept):
        view = form_view(WECHAT, {}, {}, NOW, action="/", is_kept=is_kept, translate=str)
        return {field.name for group in view.groups for field in group.fields if field.is_fixed}

    assert fixed(is_kept=False) == set()
    assert fixed(is_kept=True) == set(WECHAT.account_fields)
