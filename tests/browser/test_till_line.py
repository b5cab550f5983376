"""The till when an answer is late or lost, somebody signs out, or the cashier changes his mind: it never says what is
not so.
"""

from __future__ import annotations

import httpx
import pytest
from browser_cashier import by_gun, by_hand, faults, holds, reaches, wait_until
from browser_hub import RunningHub
from browser_wallets import PHONE
from playwright.sync_api import Page, Route

pytestmark = pytest.mark.slow

#: Long enough for the till to ask how the sale stands, more than once.
POLLED_MS = 2500
#: Without the cure about three of a hundred fail.
TRIES = 8


def shown(page: Page) -> str | None:
    return page.locator("#till").get_attribute("data-state")


def armed(page: Page, amount: str) -> dict:
    """The sale whose QR is on the screen."""
    by_hand(page, amount)
    with page.expect_response("**/counter/sales") as answered:
        page.keyboard.press("Enter")
    reaches(page, "armed")
    return answered.value.json()


def begins_to_pay(hub: RunningHub, sale: dict) -> httpx.Response:
    """A buyer's phone opens the QR and presses "pay"."""
    with httpx.Client(trust_env=False, follow_redirects=True, headers={"user-agent": PHONE}) as phone:
        phone.get(sale["url"])
        pay = f"{hub.url}/c/{sale['checkout_id']}/pay"
        return phone.post(pay, json={"platform": "wechatpay", "method": "h5"})


def give_up(page: Page) -> None:
    """End the sale: an order that nobody pays stands in the lists and figures of every test after this one."""
    page.click("[data-on=undone] [data-leave]")
    reaches(page, "idle")


def forgiven(watched, *parts: str) -> None:
    """Drop what the browser said about lines that the test cut."""
    watched.complaints[:] = [one for one in watched.complaints if not any(part in one for part in parts)]


def test_a_charge_that_reaches_the_hub_late_is_not_told_as_undone(signed_in, code):
    watched = signed_in()
    watched.forgive("net::ERR_FAILED")
    page = watched.page
    cut: list[Route] = []
    page.goto("/counter")
    by_hand(page, "3.40")
    holds(page, "**/charge", lambda route: (cut.append(route), route.abort()))
    by_gun(page, code())
    wait_until(page, lambda: cut)
    page.wait_for_timeout(POLLED_MS)
    assert shown(page) == "charging"
    sent = cut[0].request
    page.request.post(sent.url, data=sent.post_data, headers={"content-type": sent.headers["content-type"]})
    reaches(page, "paid")
    forgiven(watched, "/charge")


def test_what_is_held_never_reaches_the_hub(signed_in):
    for _ in range(TRIES):
        page = signed_in().page
        held: list[Route] = []
        page.goto("/counter")
        holds(page, "**/counter/held", held.append)
        page.evaluate("() => void fetch('/counter/held')")
        wait_until(page, lambda: held)  # noqa: B023 (asked at once)
        held[0].fulfill(body="")


def test_no_key_changes_an_amount_whose_sale_is_being_opened(signed_in):
    page = signed_in().page
    held: list[Route] = []
    page.goto("/counter")
    holds(page, "**/counter/sales", held.append)
    for key in ("1", "2"):
        page.click(f"#till-keys [data-key='{key}']")
    page.keyboard.press("Enter")  # for the till, not for the key that was clicked last
    wait_until(page, lambda: held)
    page.keyboard.press("0")
    page.keyboard.press("Backspace")
    page.click("#till-keys [data-key='5']")
    assert (shown(page), page.locator("#till-typed").inner_text()) == ("opening", "12")
    held[0].continue_()
    reaches(page, "armed")
    assert page.locator("[data-on=armed] [data-sum]").inner_text() == "¥12.00"


def test_who_was_signed_out_is_told_and_goes_on_with_the_sale(signed_in, hub, code):
    watched = signed_in(alone=True)
    watched.forgive("status of 401")
    watched.forgive("status of 403")
    page = watched.page
    page.goto("/counter")
    by_hand(page, "1510")
    by_gun(page, code())
    reaches(page, "waiting")
    page.context.clear_cookies()
    page.wait_for_selector("#till-signin:visible")
    assert "登录已过期" in page.locator("#till-offline").inner_text()
    assert faults(page) == []
    with page.context.expect_page() as opened:
        page.click("#till-signin")
    opened.value.fill("[name=login]", hub.login)
    opened.value.fill("[name=password]", hub.password)
    opened.value.click("form button.btn-primary")
    opened.value.wait_for_url("**/counter")
    opened.value.close()
    page.click("#till-cancel")  # with the mark of the session that is over: the till fetches the new one
    reaches(page, "undone")
    assert not page.locator("#till-offline").is_visible()
    assert hub.api("/payments")[0]["attempts"][-1]["state"] == "reversed"
    give_up(page)


def test_a_buyer_who_paid_at_the_qr_is_not_told_as_failed(signed_in, hub, code, troubled):
    watched = signed_in()
    watched.forgive("status of 409")
    page = watched.page
    page.goto("/counter")
    sale = armed(page, "3.60")
    begins_to_pay(hub, sale).raise_for_status()
    troubled({"platform": "wechatpay", "kind": "callback_lost", "rate": 1})
    attempt = hub.api("/payments")[0]["attempts"][-1]
    hub.sandbox("/pay", {"platform": "wechatpay", "out_trade_no": attempt["out_trade_no"]})
    by_gun(page, code())
    reaches(page, "paid")
    assert [one["state"] for one in hub.api("/payments")[0]["attempts"]] == ["paid"]


def test_time_runs_on_where_no_answer_comes(signed_in, code):
    page = signed_in().page
    page.goto("/counter")
    by_hand(page, "1520")
    by_gun(page, code())
    reaches(page, "waiting")
    holds(page, "**/counter/sales/*", lambda _route: None)
    before = int(page.locator("#till-count").inner_text())
    page.wait_for_function(
        "(before) => Number(document.querySelector('#till-count').textContent) < before - 1", arg=before
    )
    page.unroute("**/counter/sales/*")
    page.click("#till-cancel")
    reaches(page, "undone")
    give_up(page)


def test_a_sale_that_is_given_up_can_be_paid_no_more(signed_in, hub):
    watched = signed_in()
    page = watched.page
    page.goto("/counter")
    untouched = armed(page, "3.70")
    page.click("[data-on=armed] [data-leave]")
    reaches(page, "idle")
    assert begins_to_pay(hub, untouched).status_code == httpx.codes.CONFLICT
    begun = armed(page, "3.80")
    begins_to_pay(hub, begun).raise_for_status()
    page.keyboard.press("Escape")
    reaches(page, "idle")
    payment = hub.api("/payments")[0]
    assert (payment["amount_minor"], payment["state"], payment["attempts"][-1]["state"]) == (380, "closed", "closed")


def test_a_payment_that_comes_after_a_reload_is_seen_in_the_list(signed_in, hub, code):
    page = signed_in(alone=True).page
    page.clock.install()
    page.goto("/counter")
    by_hand(page, "1530")
    by_gun(page, code())
    reaches(page, "waiting")
    page.reload()
    page.wait_for_selector("#till-latest tr[data-open]")
    attempt = hub.api("/payments")[0]["attempts"][-1]
    hub.sandbox("/pay", {"platform": "wechatpay", "out_trade_no": attempt["out_trade_no"]})
    hub.wait(lambda: hub.api("/payments")[0]["state"] == "paid", "the money")
    page.clock.fast_forward(15_000)
    page.wait_for_selector("#till-latest tr[data-sale]:first-child:not([data-open])")


def test_a_cancel_that_is_answered_late_is_not_told_of_the_next_sale(signed_in, hub, code):
    page = signed_in(alone=True).page
    held: list[Route] = []
    page.clock.install()
    page.goto("/counter")
    by_hand(page, "1540")
    by_gun(page, code())
    reaches(page, "waiting")
    holds(page, "**/cancel", held.append)
    page.click("#till-cancel")
    wait_until(page, lambda: held)
    page.clock.fast_forward(46_000)
    page.click("[data-on=waiting] [data-later]")
    reaches(page, "idle")
    page.keyboard.type("9")
    page.clock.fast_forward(200)
    page.keyboard.press("Enter")
    reaches(page, "armed")
    answered = held[0].fetch()
    held[0].fulfill(response=answered, json={**answered.json(), "state": "paid"})
    page.wait_for_timeout(POLLED_MS)
    assert (shown(page), page.locator("[data-on=armed] [data-sum]").inner_text()) == ("armed", "¥9.00")
    first = next(one for one in hub.api("/payments") if one["amount_minor"] == 154000)
    assert (first["state"], first["attempts"][-1]["state"]) == ("closed", "reversed"), "left, and not left open"


def test_a_scan_that_is_no_code_leaves_no_old_amount_behind(signed_in, hub, code):
    page = signed_in().page
    held: list[Route] = []
    page.goto("/counter")
    by_hand(page, "12")
    holds(page, "**/counter/sales", held.append)
    page.keyboard.press("Enter")
    wait_until(page, lambda: held)
    by_gun(page, "12.34567890123456")
    reaches(page, "failed")
    by_hand(page, "5.50")
    held[0].continue_()
    page.unroute("**/counter/sales")
    by_gun(page, code())
    reaches(page, "paid")
    assert page.locator("[data-on=paid] [data-sum]").inner_text() == "¥5.50"
    assert hub.api("/payments")[0]["amount_minor"] == 550


def test_a_sale_that_could_not_be_given_up_is_given_up_later(signed_in, hub):
    watched = signed_in()
    watched.forgive("net::ERR_FAILED")
    page = watched.page
    page.goto("/counter")
    sale = armed(page, "3.90")
    holds(page, "**/leave", lambda route: route.abort())
    page.keyboard.press("Escape")
    reaches(page, "failed")
    page.unroute("**/leave")  # not by a count: a browser lets go on what it held when the last route ends
    page.click("#till-again")
    reaches(page, "armed")
    page.keyboard.press("Escape")
    reaches(page, "idle")
    assert begins_to_pay(hub, sale).status_code == httpx.codes.CONFLICT
    forgiven(watched, "/leave")


def test_the_camera_is_shut_when_the_page_is_left(signed_in):
    watched = signed_in()
    watched.forgive("play the video")  # of an empty canvas
    page = watched.page
    page.goto("/counter")
    page.evaluate(
        """() => {
          window.stream = document.createElement("canvas").captureStream();
          Object.defineProperty(navigator, "mediaDevices", { value: { getUserMedia: () => Promise.resolve(stream) } });
        }"""
    )
    armed(page, "3.30")
    page.click("#till-camera")
    reaches(page, "camera")
    page.click("nav a[href='/payments']")
    page.wait_for_url("**/payments")
    page.wait_for_function("() => stream.getTracks().every((track) => track.readyState === 'ended')")
