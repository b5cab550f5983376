"""Which names a merchant's own host may have: the spelling that DNS has, and nothing that looks like another's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.links.destinations import KNOWN_HOSTS, check_destination
from hutong.links.host_names import HostRefused, read_host, shown_host

GOOD = {
    "shop.example.cn": "shop.example.cn",
    " Shop.Example.CN ": "shop.example.cn",
    "a-b.example.com.cn": "a-b.example.com.cn",
    "3w.example.cn": "3w.example.cn",
    "jdsports.example.cn": "jdsports.example.cn",
    "小店.example.cn": "xn--yetu2d.example.cn",
    "小店tea.中国": "xn--tea-0s0fv5i.xn--fiqs8s",
    "小店。中国": "xn--yetu2d.xn--fiqs8s",
    "xn--yetu2d.example.cn": "xn--yetu2d.example.cn",
    "café.example.fr": "xn--caf-dma.example.fr",
    "пример.example": "xn--e1afmkfd.example",
}
#: Names of shops that have nothing to do with a platform, however near they come.
INNOCENT = [
    "小店.example.cn", "münchen-shop.de", "jdsports.example", "jdsports.cn", "øresund.dk", "łódź-sklep.pl",
    "straße.de",
    "çiçek.com.tr", "đông-y.vn", "click-shop.cn", "cloud-tea.cn", "tea7.cn", "8bao.cn", "3wtea.cn", "t7.cn",
    "shop1688.cn",
    "taohua-bao.cn", "we-chatter.cn", "ali-shop.cn", "we-love-chat.cn", "pay-day.cn", "tao-tea.com", "qqtea.cn",
    "ajd.com",
    "jd-tea.example.cn", "vipshop-tea.cn", "at.cn", "my3.cn", "南京东路小店.cn", "北京东城.cn", "快手菜.cn",
    "小微店铺.cn",
    "宝藏.com", "淘书.cn", "微言.cn", "头条鱼.cn", "红书包.cn", "小红花.中国", "京味.cn", "茶東京.jp", "おちゃ.jp",
    "차집.kr", "ชา.th",
    "μέλι.gr", "мёд.рф", "שוק.co.il",
]  # fmt: skip
BAD = [
    "", ".", "cn", "localhost", "hub", "a..cn", ".example.cn", "example.cn.", "-a.example.cn", "a-.example.cn",
    "https://shop.example.cn", "shop.example.cn/", "shop.example.cn:443", "a@shop.example.cn", "shop example.cn",
    "shop\n.example.cn", "shop\u200b.example.cn", "shop\u00ad.example.cn", "a_b.example.cn", "*.example.cn",
    "a%2eb.cn",
    "127.0.0.1", "1.1.1.1", "0x7f.0x1", "2130706433", "[::1]", "127.0.0.1:80", "localhost:80", "１２７.０.０.１",
    "ｓｈｏｐ.example.cn", "①.example.cn", "a" * 64 + ".cn", "a.b" * 90 + ".cn", "店" * 60 + ".cn",
    "xn--.example.cn", "xn--a.example.cn", "xn--abc-.example.cn", "ab--cd.example.cn", "xn--ls8h.example.cn",
    # platforms' own
    "item.taobao.com", "taobao.com", "www.taobao.com", "xhslink.com", "3.cn", "item.jd.com", "jd.com", "m.tb.cn",
    "qr.alipay.com",
    # a platform's name in front, behind, between
    "taobao.com.example.cn", "item.taobao.com.example.cn", "jd.com.example.cn", "tb.cn.example.cn",
    "taobao.example.cn",
    "www-taobao.example.cn", "taobao-com.example.cn", "weixin-pay.example.cn", "wechat.example.cn", "alipay.cn",
    # figures and pairs for letters
    "ta0bao.com", "taoba0.cn", "a1ipay.com", "alipay.com", "we1bo.com", "do0uyin.weibo.cn", "wei6o.weixin.cn",
    "xia0hongshu.cn",
    "tma11.com", "tmalI.com", "tenpay.cn", "kua1shou.cn", "vveibo.com", "vvechat.cn", "trnall.com", "3.cn.example.cn",
    # letters of other scripts
    "tаobao.com", "tаоbао.com", "weibо.com", "аррӏе.com", "ѕсоре.cn", "ԛԛ.com", "taοbao.cn", "dоuyin.com",
    "wéibo.com",
    "weıbo.com", "táobáo.cn", "αβ.com", "小дом.cn", "店а.cn", "xn--tobao-3ve.com", "xn--80ak6aa92e.com", "օօ.com",
    # dressed letters of Latin: strokes, small capitals, turned ones
    "łaobao.cn", "ŧaobao.com", "đouyin.com", "taobaø.com", "ᴛaobao.com", "taobaᴏ.com", "ᴡeixin.com", "tʌobao.com",
    "ƭaobao.com", "taoƀao.com", "ɗouyin.com", "ʙaidu.com", "ɐlipay.com", "doʊyin.weibo.cn", "ẇeixin.com",
    "kuaısһou.cn",
    "xn--taoba-dya.com", "ꭰꭱ.com", "ꓔꓮꓳ.cn", "ⲧⲁⲟ.cn",
    # other figures and pairs
    "tao8ao.com", "7aobao.com", "clouyin.com", "c1ouyin.com", "tao6ao.com", "xiaohon9shu.cn", "8aidu.com",
    "we1x1n.com",
    # hyphens in a name
    "tao-bao.com", "ali-pay.com", "we-chat.cn", "my-tao-bao-shop.cn", "d-o-u-y-i-n.cn", "7ao-8ao.cn", "ẇe-chat.cn",
    # short names as whole domains
    "qq.com", "mp.weixin.qq.com", "a.qq.com", "qq.com.example.cn", "t.cn", "x.t.cn", "jd.hk", "url.cn", "w.url.cn",
    "1688.com", "shop.1688.com", "vip.com", "b23.tv", "sina.com.cn", "m.weibo.cn", "ele.me", "tb.cn", "jcl.com",
    "q9.qq.com",
    # in Chinese
    "淘宝.com", "淘寶.com", "支付宝.cn", "支付寶.cn", "微信支付.com", "京东.com", "京東.com", "京东商城.cn",
    "抖音.com", "小红书.com",
    "小紅書.com", "小红書.com", "天猫.com", "天貓.cn", "拼多多.cn", "快手.com", "快手小店.com", "微博.com",
    "今日头条.com", "今日頭條.cn",
    "微店.com", "百度.cn", "美团.com", "美團.com", "闲鱼.cn", "閒魚.cn", "腾讯.com", "騰訊.com", "阿里巴巴.中国",
    "银联.cn", "銀聯.cn",
    "云闪付.cn", "雲閃付.cn", "钉钉.cn", "釘釘.cn", "我的淘宝店.cn", "淘-宝.cn", "新浪.cn", "头条.com", "頭條.com",
    "淘宝。中国",
    # dressed up as a website's
    "wwwtaobao.com", "taobaoshop.cn", "taobaocom.cn", "wechatpay.cn", "jd-com.cn", "zhifubao.cn", "itemtaobao.cn",
    "mytaobao.cn", "wwwdouyin.com", "weixin110.cn", "jdcom.cn", "1688-com.cn", "douyinn.cn", "taobaoo.cn",
    "wwwweibo.com", "qqpay.cn", "tmallcn.com",
    "a.淘宝.example.cn", "xn--pbt173b.com", "xn--aobao-j7a.cn", "ałipay.cn", "ƚaobao.cn", "ɨmall.cn",
]  # fmt: skip


@pytest.mark.parametrize(("given_text", "host"), GOOD.items(), ids=ascii)
def test_a_full_name_has_one_spelling(given_text, host):
    assert read_host(given_text) == host
    assert read_host(host) == host
    assert read_host(shown_host(host)) == host
    url = f"https://{host}/a?b=c"
    assert check_destination(url, frozenset({host})) == url


@pytest.mark.parametrize("host", INNOCENT, ids=ascii)
def test_a_name_that_is_nobodys_else_is_accepted(host):
    assert shown_host(read_host(host)) == host


def test_the_lists_are_long():
    assert len(set(BAD)) == len(BAD) > 180
    assert len(set(INNOCENT)) == len(INNOCENT) > 40


@pytest.mark.parametrize("text", BAD, ids=ascii)
def test_what_is_no_name_or_looks_like_anothers_is_refused(text):
    with pytest.raises(HostRefused):
        read_host(text)


@pytest.mark.parametrize("host", sorted(KNOWN_HOSTS))
def test_no_platforms_host_is_anybodys_own(host):
    for name in (host, f"www.{host}", host.split(".", 1)[1] if host.count(".") > 1 else host, f"{host}.example.cn"):
        with pytest.raises(HostRefused):
            read_host(name)


def test_this_machine_is_a_host_in_a_trial_only():
    assert read_host("127.0.0.1:8080", trial=True) == "127.0.0.1:8080"
    for name in ("127.0.0.1:8080", "localhost:1"):
        with pytest.raises(HostRefused):
            read_host(name)
    with pytest.raises(HostRefused):
        read_host("10.0.0.1:80", trial=True)


@given(st.text(max_size=12), st.sampled_from(["", ".cn", ".example.com", ".taobao.com", ".中国"]))
def test_whatever_is_read_is_plain_ascii_and_read_the_same_again(start, end):
    try:
        host = read_host(start + end)
    except HostRefused:
        return
    assert host.isascii()
    assert host == host.lower()
    assert read_host(host) == host
    assert not any(sign in host for sign in "/:@?#%\\ \t\r\n")
