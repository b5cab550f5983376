"""The signature of Douyin's gateway: an outside client writes and signs the same calls as the connector."""

from __future__ import annotations

import json
import random
import string
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from hutong.connectors.douyin.gateway import build, time_text
from hutong.connectors.douyin.signing import canonical, param_json, sign
from hutong.platforms.conformance.doubles import StandingClock, account_of, silence

HERE = Path(__file__).parent
CHINA = timezone(timedelta(hours=8))
SECRET = "2ad2355c-01d0-11f8-91dc-05a8cd1054b1"
APP_KEY = "3409409348479354011"
CALLS = 60
pytestmark = [pytest.mark.judge, pytest.mark.slow]


def calls():
    """What marks, numbers and addresses can look like; ASCII, for the SDK writes other letters as escapes."""
    dice = random.Random(20261127)
    letters = string.ascii_letters + string.digits + "_-:/?&=<>% '+"
    made = []
    for number in range(CALLS):
        names = dice.sample(["product_url", "pid", "external_info", "size", "Z", "a", "_b", "cursor", "need_zlink"], 5)
        values = ["".join(dice.choices(letters, k=dice.randint(0, 40))), number, True, False, str(number)]
        made.append([dice.choice(["/buyin/kolProductShare", "/a/b"]), dict(zip(names, values, strict=True))])
    return made


def test_the_connector_and_an_outside_client_write_and_sign_alike(environments):
    given = calls()
    done = subprocess.run(
        [str(environments["douyin_alliance"].python), str(HERE / "doudian_words.py")],
        check=True,
        input=json.dumps([APP_KEY, SECRET, given]),
        capture_output=True,
        text=True,
        timeout=60,
    )
    came = json.loads(done.stdout)
    assert len(came) == len(given)
    for (path, parameters), (target, body) in zip(given, came, strict=True):
        sent = dict(parse_qsl(urlsplit(target).query))
        clock = StandingClock(datetime.strptime(sent["timestamp"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA))
        credentials = {"app_key": APP_KEY, "app_secret": SECRET, "access_token": "t"}
        account, _ = account_of("douyin_alliance", "https://gw.example", credentials, clock, silence)
        ours = build(account, path[1:].replace("/", "."), parameters)
        assert urlsplit(ours.url).path == urlsplit(target).path == path
        assert dict(parse_qsl(urlsplit(ours.url).query)) == sent
        assert ours.body.decode() == body == param_json(parameters).decode()
        assert time_text(clock.now()) == sent["timestamp"]
        assert sign(SECRET, canonical(APP_KEY, sent["method"], body, sent["timestamp"])) == sent["sign"]
    assert len({dict(parse_qsl(urlsplit(target).query))["sign"] for target, _ in came}) == len(came)
