"""The simulated alliance over HTTP: places, addresses, buyers who come by them, and the order query's own rules."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

CHINA = timezone(timedelta(hours=8))
NAME = "taobao_alliance"


class Promoter:
    """A promoter: what it asks for, and what it makes of the answers."""

    def __init__(self, client: Any, platform: dict[str, Any]) -> None:
        self.client = client
        self.credentials = platform["credentials"]
        self.more = platform["more_credentials"]

    def call(self, method: str, **given: Any) -> Any:
        told = self.client.call(f"taobao.tbk.{method}", **given)
        return told.get(f"tbk_{method.replace('.', '_')}_response", told)

    def place(self, name: str = "A1") -> str:
        site = self.credentials["pid"].split("_")[2]
        return self.call("adzone.create", site_id=site, adzone_name=name)["data"]["model"].split("_")[3]

    def links(self, place: str, url: str) -> dict[str, Any]:
        told = self.call("dg.general.link.convert", adzone_id=place, material_list=url)
        return told["data"]["material_url_list"]["material_url_list"][0]


@pytest.fixture
def promoters(sandbox, top_client):
    """A promoter by the merchant's name."""
    clients = []

    def promoter(merchant: str) -> Promoter:
        platform = sandbox.platform(NAME, merchant)
        clients.append(top_client(platform))
        return Promoter(clients[-1], platform)

    yield promoter
    for client in clients:
        client.http.close()


@pytest.fixture
def promoter(promoters):
    return promoters("default")


def stock(sandbox, **more) -> dict[str, Any]:
    body = {"sku": "BREAD-1", "title": "小面包", "price_fen": 1230, "quantity": 10, "commission_bps": 1000, **more}
    answer = sandbox.post("/shops/stock", platform=NAME, **body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def buy(sandbox, address: str, **more) -> dict[str, Any]:
    answer = sandbox.post("/buy", platform=NAME, address=address, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def china(sandbox, ahead_s: int = 0) -> str:
    now = datetime.fromisoformat(sandbox.http.get("/clock").json()["now"]) + timedelta(seconds=ahead_s)
    return now.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def details(promoter, sandbox, **arguments) -> dict[str, Any]:
    window = {"start_time": china(sandbox, -600), "end_time": china(sandbox, 1)}
    return promoter.call("order.details.get", **{**window, "query_type": 4, **arguments})


def rows_of(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return answer["data"].get("results", {}).get("publisher_order_dto", [])


def code_of(answer: dict[str, Any]) -> tuple[int, str]:
    return answer["error_response"]["code"], answer["error_response"].get("sub_code", "")


def bought(sandbox, promoter, **more) -> tuple[dict[str, Any], str]:
    place = promoter.place()
    links = promoter.links(place, stock(sandbox)["url"])
    return buy(sandbox, links["link_info_dto"]["cps_short_url"], **more), place


def test_an_order_tells_the_place_by_whose_address_its_buyer_came(sandbox, promoter):
    order, place = bought(sandbox, promoter, quantity=2)
    [row] = rows_of(details(promoter, sandbox))
    assert row == order["row"]
    assert (row["trade_parent_id"], str(row["adzone_id"]), row["adzone_name"]) == (order["order_no"], place, "A1")
    assert promoter.credentials["pid"].startswith(f"mm_{row['pub_id']}_{row['site_id']}_")
    assert (row["alipay_total_price"], row["pub_share_pre_fee"], row["pub_share_fee"]) == ("24.60", "2.46", "0.00")
    assert (row["alimama_share_fee"], row["tk_status"], row["item_num"]) == ("0.25", 12, 2)
    assert row["click_time"] <= row["tk_create_time"] <= row["tk_paid_time"]
    [listed] = [shop for shop in sandbox.http.get("/shops").json() if shop["platform"] == NAME]
    assert [good["quantity"] for good in listed["skus"]] == [8]


def test_all_forms_of_an_address_are_taken_and_no_others(sandbox, promoter):
    links = promoter.links(promoter.place(), stock(sandbox)["url"])["link_info_dto"]
    forms = [links[name] for name in ("cps_long_url", "cps_short_url", "cps_short_tpwd", "cps_full_tpwd")]
    numbers = {buy(sandbox, form)["order_no"] for form in [*forms, links["cps_long_url"] + "&from=weibo"]}
    assert len(numbers) == 5
    for form in ("https://s.click.taobao.com/nobodys", "https://item.taobao.com/item.htm?id=600000000001", "￥x￥"):
        assert sandbox.post("/buy", platform=NAME, address=form).status_code == 404
    assert promoter.call("tpwd.create", url=links["cps_short_url"])["data"]["model"] == links["cps_full_tpwd"]
    again = promoter.links(promoter.place("B"), links["cps_short_url"])["link_info_dto"]
    assert again["material_id"] == links["material_id"], "an address that was promoted before is promoted anew"
    assert again["cps_short_url"] != links["cps_short_url"]


def test_only_what_was_let_be_promoted_is(sandbox, promoter):
    place = promoter.place()
    told = promoter.links(place, "https://item.taobao.com/item.htm?id=600000000001")
    assert (told["code"], told["link_info_dto"]) == (10000, {})
    assert promoter.links(place, "https://evil.example/item.htm?id=" + stock(sandbox)["goods_id"])["code"] == 10000
    several = stock(sandbox)["url"] + ",https://item.taobao.com/item.htm?id=600000000001"
    answer = promoter.call("dg.general.link.convert", adzone_id=place, material_list=several)
    told = answer["data"]["material_url_list"]["material_url_list"]
    assert [one.get("code", 0) for one in told] == [0, 10000]


def test_a_place_belongs_to_its_promoter(sandbox, promoter, promoters):
    other = promoters("another")
    good = stock(sandbox)
    place = other.place()
    refused = promoter.call("dg.general.link.convert", adzone_id=place, material_list=good["url"])
    assert code_of(refused) == (15, "isv.pid-not-correct")
    site = other.credentials["pid"].split("_")[2]
    assert code_of(promoter.call("adzone.create", site_id=site, adzone_name="A")) == (15, "isv.pid-not-correct")
    buy(sandbox, other.links(place, good["url"])["link_info_dto"]["cps_short_url"])
    assert rows_of(details(promoter, sandbox)) == []
    assert len(rows_of(details(other, sandbox))) == 1


def test_the_gateways_own_checks(sandbox, promoter):
    assert code_of(promoter.call("tpwd.create", url="x", secret="0" * 32))[0] == 25
    assert code_of(promoter.call("tpwd.create", url="x", system={"session": "6102nobody"}))[0] == 27
    good = promoter.call("adzone.create", site_id=1, adzone_name="A", system={"session": promoter.more["access_token"]})
    assert code_of(good)[0] == 15, "a good session is no way around the other checks"
    assert code_of(promoter.call("item.get", fields="x"))[0] == 22
    assert code_of(promoter.call("adzone.create", adzone_name="A"))[0] == 40
    assert code_of(promoter.call("adzone.create", site_id=1, adzone_name="长" * 65))[0] == 41
    assert code_of(promoter.call("tpwd.create", url="x", system={"app_key": "1"}))[0] == 29
    shop = sandbox.platform("taobao")["credentials"]["app_key"]
    assert code_of(promoter.call("tpwd.create", url="x", system={"app_key": shop}))[0] == 29


@pytest.mark.parametrize(
    ("window", "code"),
    [
        ((-10_801, 0), "2007"),
        ((0, 0), "2001"),
        ((3600, 7200), "2002"),
        ((-91 * 86_400, -91 * 86_400 + 60), "2004"),
    ],
)
def test_windows_are_limited(sandbox, promoter, window, code):
    start, end = (china(sandbox, ahead) for ahead in window)
    assert code_of(details(promoter, sandbox, start_time=start, end_time=end)) == (15, code)


def test_a_big_sale_takes_twenty_minutes_at_most(sandbox, promoter):
    sandbox.faults({"platform": NAME, "kind": "big_sale"})
    assert code_of(details(promoter, sandbox, start_time=china(sandbox, -1201), end_time=china(sandbox)))[1] == "2007"
    assert rows_of(details(promoter, sandbox, start_time=china(sandbox, -1200), end_time=china(sandbox))) == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"page_no": 2}, "1008"),
        ({"page_no": 2, "position_index": "x_y|z"}, "1008"),
        ({"jump_type": 2}, "1005"),
        ({"tk_status": 15}, "1006"),
        ({"start_time": "yesterday"}, "2000"),
        ({"page_size": 101}, "isv.invalid-parameter:page_size"),
        ({"page_no": 101}, "isv.invalid-parameter:page_no"),
        ({"query_type": 5}, "isv.invalid-parameter:query_type"),
    ],
)
def test_arguments_are_looked_at(sandbox, promoter, arguments, code):
    assert code_of(details(promoter, sandbox, **arguments))[1] == code


def test_pages_go_both_ways_from_a_position(sandbox, promoter):
    links = promoter.links(promoter.place(), stock(sandbox)["url"])["link_info_dto"]
    for _ in range(5):
        buy(sandbox, links["cps_short_url"])
        sandbox.post("/clock/advance", seconds=2)
    first = details(promoter, sandbox, page_size=2)["data"]
    on = {"page_size": 2, "page_no": 2, "position_index": first["position_index"]}
    second = details(promoter, sandbox, jump_type=1, **on)["data"]
    back = details(promoter, sandbox, jump_type=-1, page_size=2, page_no=2, position_index=second["position_index"])
    times = [[row["modified_time"] for row in part["results"]["publisher_order_dto"]] for part in (first, second)]
    assert times[0] + times[1] == sorted(times[0] + times[1])
    assert (first["has_pre"], first["has_next"], second["has_pre"], second["has_next"]) == (False, True, True, True)
    assert back["data"]["results"] == first["results"]


def test_each_query_goes_by_its_own_time(sandbox, promoter):
    order, _ = bought(sandbox, promoter, paid=False)
    seen = {}
    for event in ("pay", "confirm", "settle"):
        sandbox.post("/clock/advance", seconds=1300)
        assert sandbox.post("/shops/orders", platform=NAME, order_no=order["order_no"], event=event).status_code == 200
        seen[event] = [len(rows_of(details(promoter, sandbox, query_type=kind))) for kind in (1, 2, 3, 4)]
    assert seen == {"pay": [0, 1, 0, 1], "confirm": [0, 0, 0, 1], "settle": [0, 0, 1, 1]}
    assert rows_of(details(promoter, sandbox, tk_status=12)) == []
    [row] = rows_of(details(promoter, sandbox, tk_status=3))
    assert (row["pub_share_fee"], row["pay_price"]) == ("1.23", "12.30")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("throttled", (7, "accesscontrol.limited-by-api-access-count")),
        ("account_limited", (15, "9100")),
        ("server_error", (15, "isp.top-remote-connection-timeout")),
    ],
)
def test_faults(sandbox, promoter, kind, code):
    sandbox.faults({"platform": NAME, "kind": kind, "limit": 1})
    assert code_of(details(promoter, sandbox)) == code
    assert rows_of(details(promoter, sandbox)) == []


def test_goods_of_a_simulated_shop_are_named_by_page_or_code(sandbox, promoter):
    shop = sandbox.post("/shops/stock", platform="taobao", sku="TEA-1", title="茶", price_fen=990, quantity=3).json()
    by_page = stock(sandbox, sku="TEA-1", goods_id=shop["num_iid"])
    by_code = stock(sandbox, sku="TEA-1")
    assert by_page["goods_id"] == by_code["goods_id"] == shop["num_iid"]
    assert sandbox.post("/shops/stock", platform=NAME, sku="NONE", goods_id=shop["num_iid"]).status_code == 404
    elsewhere = stock(sandbox, sku="CUP-1", goods_id="712345678901")
    assert (elsewhere["goods_id"], elsewhere["title"]) == ("712345678901", "小面包")
    address = promoter.links(promoter.place(), by_page["url"])["link_info_dto"]["cps_short_url"]
    order = buy(sandbox, address, quantity=2)
    assert order["shop_id"] == shop["shop_id"]
    assert sandbox.post("/buy", platform=NAME, address=address, quantity=2).status_code == 409, "the shop shows one"
    events = [(e["platform"], e["kind"]) for e in sandbox.events() if e["kind"] == "order_pay"]
    assert events == [("taobao", "order_pay"), (NAME, "order_pay")]
    sums = [(row["platform"], row["order_no"], row["amount_fen"]) for row in sandbox.http.get("/books").json()]
    assert sorted(sums) == [("taobao", order["order_no"], 1980), (NAME, order["order_no"], 1980)]


def test_the_same_seed_gives_the_same_places_and_addresses(sandbox, promoter):
    def story() -> list[Any]:
        order, place = bought(sandbox, promoter)
        return [promoter.credentials["pid"], place, order["order_no"], order["row"]["item_id"]]

    first = story()
    sandbox.post("/reset")
    assert story() == first
