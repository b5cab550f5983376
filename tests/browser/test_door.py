"""The door of a running hub: who may come in, and what strangers and forged forms get."""

from __future__ import annotations

import httpx
import pytest
from browser_hub import RunningHub


@pytest.fixture
def client(hub: RunningHub):
    with httpx.Client(base_url=hub.url, trust_env=False, timeout=20) as made:
        yield made


@pytest.mark.parametrize("path", ["/", "/orders", "/orders?source=own", "/books", "/links/abc", "/settings"])
def test_strangers_are_led_to_the_door(client, path):
    answer = client.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")


@pytest.mark.parametrize("path", ["/links", "/tickets/018f0000-0000-7000-8000-000000000001/resolve", "/logout"])
def test_strangers_change_nothing(client, path):
    assert client.post(path, data={"title": "x"}).status_code in {303, 403}


def test_a_wrong_password_is_told_and_keeps_the_login(watch, hub):
    watched = watch("phone", base_url=hub.url)
    page = watched.page
    page.goto("/orders")
    page.fill("[name=login]", hub.login)
    page.fill("[name=password]", "not the password")
    page.click("form button.btn-primary")
    page.wait_for_selector("[role=alert]")
    assert page.input_value("[name=login]") == hub.login
    page.fill("[name=password]", hub.password)
    page.click("form button.btn-primary")
    page.wait_for_url("**/orders")
    watched.complaints[:] = [c for c in watched.complaints if "401" not in c]  # the browser tells of the first try
    page.click("details.ht-menu >> nth=1 >> summary")
    page.click("text=退出登录")
    page.wait_for_url("**/login")
    page.goto("/orders")
    assert "/login" in page.url


def sign_in(client: httpx.Client, hub: RunningHub) -> None:
    page = client.get("/login")
    token = page.text.split('name="_csrf_token" value="')[1].split('"')[0]
    form = {"_csrf_token": token, "login": hub.login, "password": hub.password, "next": "//evil.example"}
    answer = client.post("/login", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_a_form_without_its_token_changes_nothing(client, hub):
    sign_in(client, hub)
    before = len(hub.api("/links"))
    sku = hub.api("/stock")[0]["sku_id"]
    form = {"title": "x", "sku_id": sku, "channel_name": "y", "channel_kind": "post", "channel_platform": "weibo"}
    assert client.post("/links", data=form).status_code == 403
    assert client.post("/links", data={**form, "_csrf_token": "0" * 64}).status_code == 403
    token = client.get("/links").text.split('name="_csrf_token" value="')[1].split('"')[0]
    headers = {"sec-fetch-site": "cross-site"}
    assert client.post("/links", data={**form, "_csrf_token": token}, headers=headers).status_code == 403
    assert len(hub.api("/links")) == before
    assert client.post("/links", data={**form, "_csrf_token": token}).status_code == 303
    assert len(hub.api("/links")) == before + 1


def test_a_bad_field_is_told_in_the_form_of_a_page(client, hub):
    sign_in(client, hub)
    token = client.get("/links").text.split('name="_csrf_token" value="')[1].split('"')[0]
    answer = client.post("/links", data={"_csrf_token": token, "title": "x", "sku_id": "not-an-id"})
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/html")
    assert client.get("/orders?page=many").status_code == 400
    assert client.get("/orders/018f0000-0000-7000-8000-000000000001").status_code == 404


def test_programs_get_problems(client):
    answer = client.get("/api/v1/orders")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    body = answer.json()
    assert {"type", "title", "status", "detail", "code", "cause", "fix"} <= set(body)
    english = client.get("/api/v1/orders", headers={"accept-language": "en"}).json()
    assert english["detail"] != body["detail"]


def test_health(client):
    assert client.get("/healthz").json() == {"status": "ok"}


def test_the_api_describes_itself_and_no_page_is_in_it(client):
    paths = client.get("/api/openapi.json").json()["paths"]
    assert paths
    assert all(path.startswith("/api/v1/") for path in paths)


def test_headers_keep_pages_to_themselves(client, hub):
    sign_in(client, hub)
    headers = client.get("/").headers
    assert "unsafe" not in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    cookies = client.get("/login").headers.get_list("set-cookie")
    assert all("HttpOnly" in cookie and "SameSite=lax" in cookie for cookie in cookies)
