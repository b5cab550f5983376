"""Limits of clicks: programs are kept out, a crowd is not, and memory stays bounded."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.edge.front import LinkFront
from hutong.edge.limits import ADDRESS_PACE, RETRY_AFTER_S, TOLD_GAP_S, Limits
from hutong.edge.names import code_in, host_in
from hutong.edge.proxies import BehindProxies
from hutong.edge.table import Entry
from hutong.links.destinations import read_target
from hutong.links.jumps.ways import Ways
from hutong.transport.networks import network_of
from hutong.transport.pacing import ACCOUNTS_PACED_MAX, Pace
from hutong.web.buyer.notices import Notices

CODE, OTHERS = "abcdefg", "hijkmnp"
PHONE = b"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 MicroMessenger/8.0.46"
TAOBAO = "https://item.taobao.com/item.htm?id=657"
ME, THEM = UUID(int=1), UUID(int=9)
HUB, OWN = "hub.example.cn", "shop.example.cn"


def test_a_live_room_comes_through():
    """Ten thousand clicks on one link within a minute, from a carrier's few hundred addresses."""
    limits = Limits()
    for number in range(10_000):
        assert limits.admits(f"117.136.{number % 2}.{number % 200}", CODE, number * 60 / 10_000)
    assert limits.limited == 0


def test_ten_thousand_at_the_same_second_come_through():
    limits = Limits()
    assert all(limits.admits(f"117.{number % 250}.1.1", CODE, 0.0) for number in range(10_000))


def test_a_shops_wireless_network_comes_through():
    """Two hundred people on one address, each opening six links within a minute."""
    limits = Limits()
    assert all(limits.admits("117.136.1.1", f"code{number % 40}", number * 60 / 1_200) for number in range(1_200))


def test_a_program_is_kept_out_and_let_in_again():
    limits = Limits()
    admitted = sum(limits.admits("117.136.1.1", CODE, number / 1_000) for number in range(10_000))
    assert ADDRESS_PACE.calls <= admitted <= ADDRESS_PACE.calls + 10 * ADDRESS_PACE.calls // ADDRESS_PACE.seconds + 1
    assert limits.limited == 10_000 - admitted
    assert limits.admits("117.136.1.2", CODE, 10.0), "another address"
    assert limits.admits("117.136.1.1", CODE, 10.0 + RETRY_AFTER_S), "who waited as told"


def test_who_is_over_his_own_limit_takes_nothing_from_the_link():
    limits = Limits(address_pace=Pace(calls=2, seconds=60), link_pace=Pace(calls=4, seconds=60))
    assert [limits.admits("117.1.1.1", CODE, 0.0) for _ in range(50)].count(True) == 2
    assert [limits.admits(f"117.1.1.{number}", CODE, 0.0) for number in range(2, 9)].count(True) == 2


def test_an_undeclared_proxy_is_nobodys_address():
    for address in ("127.0.0.1", "::1", "10.0.0.1", "172.17.0.1", "192.168.1.1", "fd00::1", "", "unix:", "100.64.0.1"):
        assert network_of(address) is None
    limits = Limits(address_pace=Pace(calls=1, seconds=60))
    assert all(limits.admits("127.0.0.1", CODE, 0.0) for _ in range(100))


def test_a_home_has_one_network():
    assert network_of("2409:8a00:1:2::1") == network_of("2409:8a00:1:2:ffff::9") == "2409:8a00:1:2::/64"
    assert network_of("2409:8a00:1:3::1") != network_of("2409:8a00:1:2::1")
    assert network_of("::ffff:117.136.1.1") == "117.136.1.1"


def test_memory_is_bounded():
    limits = Limits()
    for number in range(3 * ACCOUNTS_PACED_MAX):
        limits.admits(str(ipaddress.IPv4Address(0x75000000 + number)), f"c{number}", 0.0)
    assert len(limits._buckets._by_account) <= ACCOUNTS_PACED_MAX


def test_what_is_kept_out_is_said_in_the_log_now_and_then(caplog):
    limits = Limits(address_pace=Pace(calls=1, seconds=60))
    with caplog.at_level(logging.WARNING, "hutong.edge"):
        for number in range(50):
            limits.admits("117.1.1.1", CODE, number / 100)
        assert len(caplog.records) == 1
        limits.admits("117.1.1.1", CODE, TOLD_GAP_S + 0.1)
        for _ in range(3):
            limits.admits("117.1.1.1", CODE, TOLD_GAP_S + 0.1)
    assert [record.args[0] for record in caplog.records] == [1, limits.limited - 3]


class Table:
    """Two merchants' links."""

    def __init__(self, url=TAOBAO):
        target = None if url is None else read_target(url)
        ids = {"link_id": UUID(int=2), "channel_id": UUID(int=3), "url": url, "target": target}
        self._entries = {
            code: Entry(merchant_id=whose, code=code, active=True, expires_at=None, **ids)
            for code, whose in ((CODE, ME), (OTHERS, THEM))
        }

    async def find(self, code):
        return self._entries.get(code)


class Owners:
    """One proven host."""

    off = frozenset()

    def is_verified(self, _merchant_id, _host):
        return False

    def owner_of(self, host):
        return ME if host == OWN else None


class Clock:
    """Moves by hand."""

    def __init__(self):
        self.at = datetime(2026, 11, 27, 12, tzinfo=UTC)

    def now(self):
        return self.at


async def behind(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 299, "headers": []})


class Visitor:
    """Asks one front."""

    def __init__(self, *, limits=None, url=TAOBAO, public_url=f"https://{HUB}", trusted=()):
        self.clicks, self.clock = [], Clock()
        sink = type("Sink", (), {"add": lambda _self, click: self.clicks.append(click)})()
        self.front = LinkFront(
            behind,
            Table(url),
            sink,
            Ways(None),
            self.clock,
            b"k" * 32,
            Owners(),
            notices=Notices().answer,
            public_url=public_url,
            limits=limits,
        )
        self.app = BehindProxies(self.front, tuple(ipaddress.ip_network(one) for one in trusted))

    def ask(self, path=f"/l/{CODE}", host=HUB, client="117.1.1.1", **headers):
        sent = []

        async def send(message):
            sent.append(message)

        given = [(b"user-agent", PHONE), (b"host", host.encode())]
        given += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "path": path, "method": "GET", "headers": given, "client": (client, 1)}
        asyncio.run(self.app(scope, None, send))
        heads = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], heads, b"".join(message.get("body", b"") for message in sent[1:])


def test_over_the_limit_is_a_small_page_and_a_click_that_is_kept_and_flagged():
    visitor = Visitor(limits=Limits(address_pace=Pace(calls=3, seconds=60)))
    answers = [visitor.ask(accept_language="en") for _ in range(5)]
    assert [status for status, _, _ in answers] == [302, 302, 302, 429, 429]
    _, heads, body = answers[-1]
    assert heads["retry-after"] == str(RETRY_AFTER_S)
    assert heads["cache-control"] == "no-store"
    assert heads["content-length"] == str(len(body))
    assert b"/l/" not in body
    assert "too often" in body.decode().lower() or "Too" in body.decode()
    assert [click.is_bot for click in visitor.clicks] == [False] * 3 + [True] * 2
    assert visitor.front.limits.limited == 2
    visitor.clock.at += timedelta(seconds=60)
    assert visitor.ask()[0] == 302


def test_who_tries_codes_that_lead_nowhere_is_kept_out_too():
    visitor = Visitor(limits=Limits(address_pace=Pace(calls=3, seconds=60)))
    assert [visitor.ask(f"/l/nosuch{number}")[0] for number in range(5)] == [299] * 3 + [429] * 2
    assert visitor.ask()[0] == 429
    assert visitor.ask(client="117.2.2.2")[0] == 302
    assert [click.is_bot for click in visitor.clicks] == [True, False], "none of the codes was anybody's"


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        (f"/l/{CODE}", HUB, 302),
        (f"/l/{OTHERS}", HUB, 302),
        (f"/l/{CODE}", f"{HUB}:443", 302),
        (f"/l/{CODE}", HUB.upper(), 302),
        (f"/l/{CODE}", OWN, 302),
        (f"/l/{CODE}/", f"{OWN.upper()}:8443", 302),
        (f"/l/{OTHERS}", OWN, 404),
        ("/l/nosuch1", OWN, 404),
        (f"/r/{CODE}", OWN, 299),
        (f"/j/{CODE}/tries", OWN, 299),
        (f"/x/{OTHERS}", OWN, 404),
        ("/", OWN, 404),
        ("/login", OWN, 404),
        ("/api/v1/links", OWN, 404),
        ("/c/1", OWN, 404),
        ("/", HUB, 299),
        (f"/l/{CODE}", "evil.example", 404),
        (f"/l/{CODE}", f"{OWN}.evil.example", 404),
        (f"/r/{CODE}", "evil.example", 404),
        ("/login", "evil.example", 299),
        (f"/l/{CODE}", "127.0.0.1:8000", 302),
        (f"/l/{CODE}", "[::1]:8000", 302),
        (f"/l/{CODE}", "hub", 302),
        (f"/l/{CODE}", "", 302),
        (f"/l/{CODE}", f"{HUB}.", 302),
        (f"/l/{CODE}", f"{HUB}.:443", 302),
        (f"/l/{CODE}", f"{OWN}.", 302),
        (f"/l/{CODE}", "evil.example.", 404),
        (f"/card/{CODE}", HUB, 299),
        (f"/card/{CODE}", OWN, 299),
        (f"/card/{OTHERS}", OWN, 404),
        (f"/card/{CODE}", "evil.example", 404),
        ("/pictures/0.jpg", OWN, 299),
    ],
)
def test_a_merchants_own_host_serves_his_codes_and_nothing_else(path, host, status):
    visitor = Visitor()
    found, heads, body = visitor.ask(path, host)
    assert found == status
    if status == 404:
        assert "没有这条链接" in body.decode()
        assert "default-src 'none'" in heads["content-security-policy"]
        assert visitor.clicks == []
    if status == 302:
        assert heads["location"] == TAOBAO


def test_a_hub_without_a_name_answers_to_every_one():
    assert Visitor(public_url="http://127.0.0.1:8000").ask(host="tunnel.example")[0] == 302


def test_to_the_cash_desk_an_own_host_leads_by_the_hubs_own_address():
    visitor = Visitor(url=None)
    assert visitor.ask(host=OWN)[1]["location"].startswith(f"https://{HUB}/b/{CODE}?k=")
    assert visitor.ask(host=HUB)[1]["location"].startswith(f"/b/{CODE}?k=")
    assert visitor.ask(host="127.0.0.1")[1]["location"].startswith(f"/b/{CODE}?k=")


@pytest.mark.parametrize(
    ("client", "said", "same_as"),
    [
        ("10.0.0.2", "117.9.9.9", "117.9.9.9"),
        ("10.0.0.2", "1.2.3.4, 117.9.9.9", "117.9.9.9"),
        ("10.0.0.2", "117.9.9.9, 10.0.0.7", "117.9.9.9"),
        ("10.0.0.2", "10.0.0.7", "10.0.0.2"),
        ("10.0.0.2", "nonsense, 117.9.9.9", "117.9.9.9"),
        ("10.0.0.2", "117.9.9.9, nonsense", "10.0.0.2"),
        ("10.0.0.2", "", "10.0.0.2"),
        ("117.5.5.5", "117.9.9.9", "117.5.5.5"),
    ],
)
def test_only_a_declared_proxy_says_who_visits(client, said, same_as):
    visitor = Visitor(trusted=["10.0.0.0/8"])
    visitor.ask(client=client, x_forwarded_for=said)
    visitor.ask(client=same_as)
    assert visitor.clicks[0].address_hash == visitor.clicks[1].address_hash
    visitor.ask(client="117.200.0.1")
    assert visitor.clicks[2].address_hash != visitor.clicks[0].address_hash


def test_nobody_is_believed_where_no_proxy_is_declared():
    visitor = Visitor()
    visitor.ask(client="127.0.0.1", x_forwarded_for="117.9.9.9")
    visitor.ask(client="117.9.9.9")
    assert visitor.clicks[0].address_hash != visitor.clicks[1].address_hash


@given(st.binary(max_size=300))
def test_a_host_is_read_whatever_it_is(value):
    host = host_in({b"host": value})
    assert host == host.lower()


@given(st.text(max_size=40))
def test_a_path_ends_in_a_code_or_not(path):
    code = code_in(path)
    assert code is None or path.split("/")[1] in ("l", "b", "j", "x", "r", "card")
