"""JD's signatures pinned to values from outside (jd_vectors.json names each source); no simulator runs here.

Then each planted mutation swaps one function of the connector, as a programmer might get it wrong, and the named check
must fail.
"""

import asyncio
import datetime as dt
import json
import pathlib
from urllib.parse import parse_qsl, quote_plus

import pytest

from hutong.connectors.jd import gateway, signing
from hutong.connectors.jd.alliance import CONNECTOR
from hutong.crypto.digests import hmac_md5, md5
from hutong.platforms.conformance.doubles import StandingClock, account_of, silence

VECTORS = json.loads(pathlib.Path(__file__).with_name("jd_vectors.json").read_text("utf-8"))
SECRET = VECTORS["secret"]
CALLS = {call["name"]: call for call in VECTORS["calls"]}
NOON = dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC)


def check_sent():
    """What ``changed`` really sends is the vector's call, signature and all."""
    vector = CALLS["rows_of_an_hour"]
    credentials = {"app_key": vector["parameters"]["app_key"], "app_secret": SECRET}
    account, http = account_of("jd_alliance", "https://api.example", credentials, StandingClock(NOON), silence)
    call = CONNECTOR.jump_links.changed(account, NOON - dt.timedelta(hours=1), NOON, None)
    asyncio.run(asyncio.wait_for(_quietly(call), 5))
    assert dict(parse_qsl(http.sent[0].body.decode())) == {**vector["parameters"], "sign": vector["sign"]}


async def _quietly(call):
    try:
        await call
    except gateway.PlatformUnknown:
        return


def check_sdk():
    vector = CALLS["address_as_the_sdk_sends_it"]
    assert signing.sign(vector["parameters"], SECRET) == vector["sign"]


def check_chinese():
    vector = CALLS["chinese_text_at_the_older_address"]
    assert signing.sign({**vector["parameters"], "sign": "left out"}, SECRET) == vector["sign"]


CHECKS = [check_sent, check_sdk, check_chinese]
CANONICAL = signing.canonical


def _signed(before, after, *, upper=True, encoding="utf-8", digest=md5):
    def sign(parameters, secret):
        text = f"{secret if before else ''}{signing.canonical(parameters)}{secret if after else ''}"
        made = digest(text.encode(encoding)).hex()
        return made.upper() if upper else made

    return sign


def _without(name):
    return lambda parameters: CANONICAL({key: value for key, value in parameters.items() if key != name})


MUTATIONS = [
    ("unsorted", signing, "canonical", lambda p: "".join(f"{n}{v}" for n, v in p.items() if n != "sign"), check_sent),
    ("with_separators", signing, "canonical", lambda p: "&".join(f"{n}={v}" for n, v in sorted(p.items())), check_sdk),
    ("sign_is_signed", signing, "canonical", lambda p: "".join(f"{n}{v}" for n, v in sorted(p.items())), check_chinese),
    (
        "values_encoded",
        signing,
        "canonical",
        lambda p: CANONICAL({name: quote_plus(value) for name, value in p.items()}),
        check_sdk,
    ),
    ("sign_method_not_signed", signing, "canonical", _without("sign_method"), check_sent),
    ("business_not_signed", signing, "canonical", _without("360buy_param_json"), check_sdk),
    ("secret_at_the_start_only", gateway, "sign", _signed(True, False), check_sent),
    ("secret_at_the_end_only", gateway, "sign", _signed(False, True), check_sent),
    ("lower_case", gateway, "sign", _signed(True, True, upper=False), check_sent),
    ("gbk", signing, "sign", _signed(True, True, encoding="gbk"), check_chinese),
    ("keyed_digest", signing, "md5", lambda text: hmac_md5(SECRET.encode(), text), check_sdk),
    (
        "time_in_utc",
        gateway,
        "time_text",
        lambda at: at.astimezone(dt.UTC).strftime(gateway.TIME_FORMAT),
        check_sent,
    ),
    ("older_name_of_business", gateway, "BUSINESS", "param_json", check_sent),
    ("other_version", gateway, "VERSION", "2.0", check_sent),
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_vector(check):
    check()


@pytest.mark.parametrize(
    ("name", "module", "function", "mutated", "check"), MUTATIONS, ids=[one[0] for one in MUTATIONS]
)
def test_planted_mutation_is_caught(name, module, function, mutated, check, monkeypatch):
    assert hasattr(module, function)
    monkeypatch.setattr(module, function, mutated)
    with pytest.raises(AssertionError):
        check()
