"""Callbacks: forged ones change nothing, foreign ones pay nothing, repeated ones count once."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

FORGED = ["body", "signature", "timestamp", "serial", "nonce", "stale", "probe"]
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.0 Mobile/15E148 Safari/604.1"
)
FOREIGN = {
    "other_mchid": "mchid",
    "other_appid": "appid",
    "other_order": "out_trade_no",
    "other_amount": "amount",
    "other_currency": "currency",
}


def test_forged_callbacks_are_refused_and_change_nothing(market):
    sale = market.sale()
    market.world.settle()
    before = market.rows()
    assert {change: sale.tamper(change) for change in FORGED} == dict.fromkeys(FORGED, 401)
    market.world.settle()
    assert market.rows() == before
    assert (sale.order()["state"], sale.payment()["state"]) == ("unpaid", "open")
    assert sale.visit.state() == "paying"


def test_garbage_is_refused(market):
    sale = market.sale()
    before = market.rows()
    url = market.callback_url()
    with httpx.Client(trust_env=False) as client:
        for body in (b"", b"{}", b"null", b"\x00\xff", b"[" * 5000, b'{"id":"x"}'):
            assert client.post(url, content=body).status_code == 401
        headers = {f"Wechatpay-{name}": "1" for name in ("Signature", "Serial", "Nonce", "Timestamp")}
        assert client.post(url, content=b"{}", headers=headers).status_code == 401
        assert client.get(url).status_code == 405
    assert market.rows() == before
    assert sale.payment()["state"] == "open"


@pytest.mark.parametrize(("change", "field"), FOREIGN.items())
def test_signed_but_foreign_callbacks_are_acknowledged_and_pay_nothing(market, until, change, field):
    sale = market.sale(price_fen=4321)
    market.world.settle()
    before, tickets = market.rows(), len(market.items("/tickets"))
    assert sale.tamper(change) == 204
    until("a ticket", lambda: len(market.items("/tickets")) == tickets + 1)
    market.world.settle()
    ticket = market.items("/tickets")[0]
    assert (ticket["kind"], ticket["details"]["field"]) == ("notice_mismatched", field)
    currency = "USD" if change == "other_currency" else "CNY"
    claimed = 4322 if change == "other_amount" else 4321
    assert (ticket["details"]["amount_minor"], ticket["details"]["currency"]) == (claimed, currency)
    after = market.rows()
    changed = {table: after[table] - before[table] for table in before if after[table] != before[table]}
    assert changed == {"inbound": 1, "ledger_batch": 1, "posting": 2}
    newest = market.items("/postings")[:2]
    assert {(item["currency"], abs(item["amount_minor"])) for item in newest} == {(currency, claimed)}
    assert {item["account"] for item in newest} == {"suspense:claimed", "suspense:payments"}
    assert sum(item["amount_minor"] for item in newest) == 0
    assert (sale.order()["state"], sale.payment()["state"], sale.visit.state()) == ("unpaid", "open", "paying")


def test_each_thing_that_does_not_fit_gets_a_ticket_and_the_money_is_in_suspense_once(market, until):
    sale = market.sale(price_fen=4323).paid()  # so that the wallet's own number is the same in all of them
    market.world.settle()
    before, tickets = market.rows(), len(market.items("/tickets"))
    for change in ("other_mchid", "other_appid", "other_appid", "other_mchid"):
        until("an acknowledgement", lambda change=change: sale.tamper(change) == 204)  # a disk may be slower than 5 s
    until("tickets", lambda: len(market.items("/tickets")) == tickets + 2)
    market.world.settle()
    newest = market.items("/tickets")[: len(market.items("/tickets")) - tickets]
    assert sorted(ticket["details"]["field"] for ticket in newest) == ["appid", "mchid"]
    assert {ticket["details"]["amount_minor"] for ticket in newest} == {4323}
    after = market.rows()
    assert (after["ledger_batch"] - before["ledger_batch"], after["posting"] - before["posting"]) == (1, 2)
    assert sale.payment()["state"] == "paid"
    assert market.world.breaches() == []


@pytest.mark.parametrize(("change", "field"), {"no_currency": "currency", "endless_amount": "amount"}.items())
def test_signed_sums_that_no_books_can_hold_get_a_ticket_and_pay_nothing(market, until, change, field):
    """Again and again: what cannot be reckoned with does not hang in the books for ever."""
    sale = market.sale(price_fen=4321)
    market.world.settle()
    before, tickets = market.rows(), len(market.items("/tickets"))
    assert [sale.tamper(change) for _ in range(3)] == [204] * 3
    until("tickets", lambda: len(market.items("/tickets")) > tickets)
    market.world.settle()
    ticket = market.items("/tickets")[0]
    assert (ticket["kind"], ticket["details"]["field"]) == ("notice_mismatched", field)
    after = market.rows()
    changed = {table: after[table] - before[table] for table in before if after[table] != before[table]}
    assert changed == {"inbound": 3}
    assert (sale.order()["state"], sale.payment()["state"], sale.visit.state()) == ("unpaid", "open", "paying")
    assert market.world.breaches() == []


def test_what_no_database_can_keep_is_refused(market):
    sale = market.sale()
    market.world.settle()
    before = market.rows()
    assert sale.tamper("nul_order") == 401
    assert market.rows() == before


def test_the_notice_of_another_order_of_the_same_price_pays_neither(market, until):
    goods = market.goods(price_fen=777, stock=5)
    sales = [market.buyer_of(goods) for _ in range(2)]
    tickets = len(market.items("/tickets"))
    for sale in sales:
        assert sale.tamper("other_order") == 204
    until("tickets", lambda: len(market.items("/tickets")) == tickets + 2)
    market.world.settle()
    assert {ticket["details"]["field"] for ticket in market.items("/tickets")[:2]} == {"out_trade_no"}
    assert [sale.order()["state"] for sale in sales] == ["unpaid", "unpaid"]
    assert goods.level()["reserved"] == 2


def test_the_notice_of_another_order_is_no_replay_of_a_paid_one(market, until):
    """The other order is paid already: silence would hide money that somebody claims to have sent."""
    goods = market.goods(price_fen=778, stock=5)
    paid, other = market.buyer_of(goods).paid(), market.buyer_of(goods)
    market.world.settle()
    before = market.rows()
    assert paid.tamper("other_order") == 204  # names any other order, and carries this one's mark
    market.world.settle()
    after = market.rows()
    assert after["ledger_batch"] - before["ledger_batch"] == 1
    assert (paid.payment()["state"], other.payment()["state"]) == ("paid", "open")


def test_a_foreign_callback_does_not_keep_the_true_one_out(market):
    sale = market.sale()
    assert sale.tamper("other_amount") == 204
    sale.paid()
    assert sale.payment()["state"] == "paid"
    assert sum(item["amount_minor"] for item in sale.booked()) == 0


def test_a_replay_is_acknowledged_and_has_no_second_effect(market):
    sale = market.sale().paid()
    before = market.rows()
    assert [sale.replay() for _ in range(3)] == [204] * 3
    market.world.settle()
    assert market.rows() == before


def test_concurrent_duplicates_have_one_effect(market):
    market.world.sandbox.put(
        "/faults", json=[{"platform": "wechatpay", "kind": "callback_duplicate", "count": 8}]
    ).raise_for_status()
    sale = market.sale()
    before = market.rows()
    sale.paid()
    sent = [
        event
        for event in market.world.sandbox.get("/events").json()
        if event["kind"] == "callback_sent" and event["detail"]["out_trade_no"] == sale.out_trade_no
    ]
    assert len(sent) >= 8
    after = market.rows()
    assert after["inbound"] - before["inbound"] == 1
    assert after["ledger_batch"] - before["ledger_batch"] == 1
    assert after["sale_fact"] - before["sale_fact"] == 1
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: sale.replay(), range(8))) == [204] * 8
    market.world.settle()
    assert market.rows() == after
    assert sale.goods.level()["on_hand"] == 9


def test_an_oversized_body_is_refused(market):
    url = market.callback_url()
    before = market.rows()
    with httpx.Client(trust_env=False, timeout=30) as client:
        answer = client.post(url, content=b"x" * (2 * 1024 * 1024))
        assert answer.status_code in (400, 401, 413)
    assert httpx.get(f"{market.world.url}/healthz", trust_env=False).status_code == 200
    assert market.rows() == before


def test_a_body_without_end_is_cut_off(market):
    """Chunked, so that no length is announced: the hub must not read on for ever."""
    host, port = market.world.url.removeprefix("http://").split(":")
    path = market.callback_url().removeprefix(market.world.url)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    sent = 0
    with socket.create_connection((host, int(port)), timeout=20) as line:
        line.sendall(head)
        try:
            while sent < 64 * 1024 * 1024:
                line.sendall(chunk)
                sent += 65536
            answer = b""
        except OSError:
            answer = b"closed"
        else:
            answer = line.recv(4096)
    assert answer == b"closed" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    assert sent < 64 * 1024 * 1024


def test_an_unknown_connection_is_not_found(market):
    with httpx.Client(trust_env=False) as client:
        for path in (f"wechatpay/{uuid4()}", "wechatpay/none", f"nobody/{uuid4()}", f"taobao/{uuid4()}"):
            assert client.post(f"{market.world.url}/callbacks/{path}", content=b"{}").status_code == 404
        taobao = market.callback_url("taobao")
        assert client.post(taobao, content=b"{}").status_code == 404
        shop = market.connection("taobao")
        assert client.post(f"{market.world.url}/callbacks/wechatpay/{shop}", content=b"{}").status_code == 404


@pytest.fixture
def by_certificate(market):
    """An account of WeChat Pay that knows the platform by its certificates alone, as the demo's of Alipay does."""
    told = market.world.sandbox.get("/platforms", params={"merchant": "certified"}).json()["wechatpay"]
    given = {name: str(value) for name, value in told["credentials"].items() if not name.startswith("public_key")}
    body = {"platform": "wechatpay", "mode": "sandbox", "base_url": told["base_url"], "credentials": given}
    connection_id = market.post("/connections", body)["connection_id"]
    market.patch(f"/connections/{connection_id}", {"priority": 1})
    yield
    market.patch(f"/connections/{connection_id}", {"is_active": False})


def taken_under(market, out_trade_no: str) -> list[str]:
    """The serials of the keys under which the hub believed this order's notices."""
    sent = [event["detail"] for event in market.world.sandbox.get("/events").json() if event["kind"] == "callback_sent"]
    return [one["serial"] for one in sent if one["out_trade_no"] == out_trade_no and one["acknowledged"]]


@pytest.mark.parametrize(
    ("wallet", "field", "repeats_after_s"), [("wechatpay", "serial_no", 15), ("alipay", "alipay_cert_sn", 240)]
)
def test_certificates_rotate_in_the_middle_of_trade(market, by_certificate, until, wallet, field, repeats_after_s):
    """Twice, so that the key that signs was never given to the hub: it fetches it, and loses nothing meanwhile."""
    goods = market.goods(price_fen=1212, stock=9)

    def open_order() -> tuple[str, str]:
        with httpx.Client(headers={"user-agent": PHONE}, trust_env=False, timeout=60) as phone:
            desk = str(phone.get(goods.link["url"], follow_redirects=True).url).rstrip("/")
            pressed = phone.post(
                f"{desk}/pay", json={"method": "native", "platform": wallet}, headers={"accept": "application/json"}
            )
        assert pressed.status_code == 200, pressed.text
        return market.items("/payments", number="")[0]["attempts"][-1]["out_trade_no"], pressed.json()["code_url"]

    def payment_of(number: str) -> str:
        return market.items("/payments", number=number)[0]["state"]

    early, early_code = open_order()
    rotated = [market.world.post_sandbox("/certificates/rotate", platform=wallet)[field] for _ in range(2)]
    market.world.post_sandbox("/pay", platform=wallet, code_url=early_code)
    late, late_code = open_order()  # its answer is signed with the new key, too
    market.world.post_sandbox("/pay", platform=wallet, code_url=late_code)
    until("the payment under the new key", lambda: payment_of(late) == "paid")
    assert taken_under(market, late) == [rotated[-1]]
    market.advance(repeats_after_s)  # what came before the key was known comes again
    assert payment_of(early) == "paid"
    assert taken_under(market, early) == [rotated[-1]]
