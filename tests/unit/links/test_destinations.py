import pytest

from hutong.links.destinations import KNOWN_HOSTS, DestinationNotAllowed, check_destination, read_target

GOOD = [f"https://{host}/item?id=1" for host in sorted(KNOWN_HOSTS)]
TRICKS = [
    "http://item.taobao.com/",
    "https://item.taobao.com@evil.example/",
    "https://item.taobao.com:443/",
    "https://item.taobao.com.evil.example/",
    "https://evil.example/item.taobao.com",
    "https://ITEM.taobao.com\\@evil.example/",
    "https://item.taobao.com\t.evil.example/",
    "https://item。taobao.com/",
    "https://xn--item-taobao.com/",
    "//item.taobao.com/",
    "javascript:alert(1)",
    "data:text/html,hi",
    "https:///item.taobao.com/",
    "https://[::1]/",
    "https://127.0.0.1/",
    "tbopen://m.taobao.com/",
    "https://item.taobao.com/ x",
    "https://item.taobao.com/\r\nset-cookie:a=b",
    "",
    "https://item.taobao.com" + "/a" * 1500,
]


#: Addresses as an alliance gives them out: where they lead is the platform's own affair.
PROMOTED = {
    "https://s.click.taobao.com/CvHjOPu": "taobao",
    "https://uland.taobao.com/coupon/edetail?e=HcDWJQP6d12lhHvvyUNXZfh8CuWt5YH5&traceId=816a277916715178": "taobao",
}


@pytest.mark.parametrize("url", PROMOTED)
def test_promoted_addresses_belong_to_their_platform(url):
    assert read_target(url).destination == PROMOTED[url]


@pytest.mark.parametrize("url", GOOD)
def test_known_platforms_are_allowed(url):
    assert check_destination(f" {url} ") == url


@pytest.mark.parametrize("url", TRICKS)
def test_everything_else_is_refused(url):
    with pytest.raises(DestinationNotAllowed):
        check_destination(url)


@pytest.mark.parametrize("url", ["https://union-click.jd.com/jdc?e=618&p=JF8BANgJK1olXDYC", "https://u.jd.com/ht07jA9"])
def test_addresses_that_jds_alliance_makes_are_jds_and_name_no_item(url):
    target = read_target(url)
    assert (target.destination, target.url, target.names) == ("jd", url, {})
    with pytest.raises(DestinationNotAllowed):
        read_target(f"{url}?to=https://evil.example/")


@pytest.mark.parametrize(
    ("url", "names"),
    [
        # Addresses that the alliance gives out: the item's page, and the short one that opens the app.
        (
            "https://haohuo.jinritemai.com/ecommerce/trade/detail/index.html?id=3636752471654793993&pick_source=v.a1",
            {"goods": "3636752471654793993"},
        ),
        ("https://z.douyin.com/YCvp", {}),
        ("https://z.douyin.com/YCvp?scheme=snssdk1128%3A%2F%2Fec_goods_detail%3Fpromotion_id%3D35520983690087", {}),
        ("https://v.douyin.com/iRNBho5m/", {}),
    ],
)
def test_addresses_of_douyins_alliance_lead_to_douyin(url, names):
    target = read_target(url)
    assert (target.destination, target.names) == ("douyin", names)
