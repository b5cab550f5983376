"""Rules of links: which holds for whom, against a second reading of the same words; what is refused, and where."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.links.containers import CONTAINERS, SYSTEMS, Agent
from hutong.links.rules.broken import FIELDS, REASONS, RuleBroken
from hutong.links.rules.checks import check_rules
from hutong.links.rules.compiled import Visit, compile_rules, visitor_seed
from hutong.links.rules.model import RULES_MAX, Rule, Rules, Utm, Variant, When, with_keys
from hutong.links.rules.utm import PRESETS, tagged

OWN = "https://item.taobao.com/item.htm?id=1"
NOON = datetime(2026, 11, 27, 4, tzinfo=UTC)


def page(number):
    return f"https://item.jd.com/{number}.html"


def visit(container="wechat", os="ios", language="zh-CN", at=NOON, query=""):
    return Visit(container=container, os=os, language=language, at=at, query=query)


few = st.lists
containers = few(st.sampled_from(CONTAINERS[:4]), max_size=2).map(tuple)
systems = few(st.sampled_from(SYSTEMS[:3]), max_size=2).map(tuple)
languages = few(st.sampled_from(["zh", "zh-TW", "en", "EN-us"]), max_size=2).map(tuple)
days = st.none() | st.dates(date(2026, 11, 25), date(2026, 11, 29))
clocks = st.sampled_from(["00:00", "06:30", "12:00", "18:15", "23:59"])
hours = st.just(("", "")) | st.tuples(clocks, clocks).filter(lambda pair: pair[0] != pair[1])
asked = st.sampled_from([("", None), ("ab", None), ("ab", ""), ("ab", "1"), ("c", "x y")])


@st.composite
def whens(draw):
    first, last = draw(days), draw(days)
    if first and last and last < first:
        first, last = last, first
    start, end = draw(hours)
    name, value = draw(asked)
    return When(
        containers=draw(containers),
        systems=draw(systems),
        languages=draw(languages),
        from_date=first,
        until_date=last,
        from_time=start,
        until_time=end,
        query_name=name,
        query_value=value,
    )


visits = st.builds(
    Visit,
    container=st.sampled_from(CONTAINERS[:4]),
    os=st.sampled_from(SYSTEMS[:3]),
    language=st.sampled_from(["", "zh", "zh-CN", "ZH-tw", "en-US", "enx", "fr"]),
    at=st.integers(-4_000, 4_000).map(lambda minutes: NOON + timedelta(minutes=minutes)),
    query=st.sampled_from(
        ["", "ab=1", "ab", "%61b=1", "c=x+y&ab=2", "x=ab", "c=x%20y", "ab=2&ab=1", "&&=", "%", "c=1&" * 60 + "ab=1"]
    ),
)


def naive(when, visit, zone):
    """Whether a rule holds, read straight from its words."""
    local = visit.at.astimezone(ZoneInfo(zone))
    if when.containers and visit.container not in list(when.containers):
        return False
    if when.systems and visit.os not in list(when.systems):
        return False
    told = visit.language.lower()
    if when.languages and not any((told + "-").startswith(one.lower() + "-") for one in when.languages):
        return False
    if when.from_date and local.date() < when.from_date:
        return False
    if when.until_date and local.date() > when.until_date:
        return False
    if when.from_time:
        clock, moment = f"{local:%H:%M}", when.from_time
        inside = moment <= clock < when.until_time
        over_midnight = when.until_time < moment and not when.until_time <= clock < moment
        if not (inside or over_midnight):
            return False
    if when.query_name:
        values = parse_qs(visit.query, keep_blank_values=True).get(when.query_name)
        if values is None or (when.query_value is not None and when.query_value not in values):
            return False
    return True


@given(st.lists(whens(), max_size=5), visits, st.sampled_from(["Asia/Shanghai", "UTC", "America/New_York"]))
def test_the_first_rule_that_holds_leads(given_whens, seen, zone):
    made = [Rule(when=when, url=page(number)) for number, when in enumerate(given_whens, 1)]
    compiled = compile_rules(with_keys(Rules(zone=zone, rules=tuple(made))), OWN)
    wanted = next((rule.url for rule in made if naive(rule.when, seen, zone)), OWN)
    assert compiled.choose(seen, b"anybody").url == wanted


@given(whens(), st.text(max_size=3))
def test_rules_are_the_same_after_they_were_kept(when, text):
    rules = with_keys(Rules(rules=(Rule(when=when, url=page(1)),), utm=Utm(source=text)))
    assert msgspec.json.decode(msgspec.json.encode(rules), type=Rules) == rules


def shared(*weights):
    variants = tuple(Variant(weight=weight, url=page(number)) for number, weight in enumerate(weights, 1))
    return compile_rules(with_keys(Rules(rules=(Rule(variants=variants),))), OWN)


def test_a_visitor_stays_with_his_variant_and_all_are_shared_by_weight():
    compiled, found = shared(1, 3), Counter()
    agent = Agent(container="wechat", os="ios", is_phone=True, is_bot=False)
    for number in range(4_000):
        seed = visitor_seed(UUID(int=7), number.to_bytes(16), agent)
        first = compiled.choose(visit(), seed)
        assert compiled.choose(visit(at=NOON + timedelta(days=9)), seed) is first
        found[first.choice] += 1
    assert set(found) == {"r1.v1", "r1.v2"}
    assert abs(found["r1.v1"] / 4_000 - 0.25) < 0.03


def test_a_variant_without_a_share_is_shown_to_nobody():
    compiled = shared(0, 1, 0)
    assert {compiled.choose(visit(), bytes([number])).choice for number in range(50)} == {"r1.v2"}


def test_a_key_stays_with_its_rule_when_another_comes_before_it():
    old = with_keys(Rules(rules=(Rule(url=page(1)), Rule(url=page(2)))))
    new = with_keys(Rules(rules=(Rule(url=page(3)), *old.rules)))
    assert [rule.key for rule in new.rules] == ["r3", "r1", "r2"]


GOOD = Rule(when=When(containers=("wechat",)), url=page(1))
TWO = (Variant(weight=1, url=page(1)), Variant(weight=1, url=page(2)))


@pytest.mark.parametrize(
    ("rules", "rule", "field"),
    [
        (Rules(version=2), 0, "version"),
        (Rules(zone="Mars/Base"), 0, "zone"),
        (Rules(zone="../etc/passwd"), 0, "zone"),
        (Rules(clicks_max=-1), 0, "clicks_max"),
        (Rules(starts_at=NOON.replace(tzinfo=None)), 0, "starts_at"),
        (Rules(starts_at=NOON + timedelta(days=400)), 0, "expires_at"),
        (Rules(over_url="https://evil.example/"), 0, "over_url"),
        (Rules(utm=Utm(source="x" * 61)), 0, "utm"),
        (Rules(rules=(GOOD,) * (RULES_MAX + 1)), 0, "rules"),
        (Rules(rules=(GOOD, Rule(url="https://evil.example/"))), 2, "url"),
        (Rules(rules=(GOOD, Rule())), 2, "url"),
        (Rules(rules=(Rule(url=page(1), sku_id=UUID(int=1)),)), 1, "url"),
        (Rules(rules=(Rule(url="javascript:alert(1)"),)), 1, "url"),
        (Rules(rules=(Rule(url=page(1)), GOOD)), 2, "rules"),
        (Rules(rules=(Rule(when=When(containers=("netscape",)), url=page(1)),)), 1, "containers"),
        (Rules(rules=(Rule(when=When(systems=("dos",)), url=page(1)),)), 1, "systems"),
        (Rules(rules=(Rule(when=When(languages=("中文",)), url=page(1)),)), 1, "languages"),
        (Rules(rules=(Rule(when=When(languages=("zh",) * 11), url=page(1)),)), 1, "languages"),
        (
            Rules(rules=(Rule(when=When(from_date=date(2026, 2, 1), until_date=date(2026, 1, 1)), url=page(1)),)),
            1,
            "until_date",
        ),
        (Rules(rules=(Rule(when=When(from_time="25:00", until_time="26:00"), url=page(1)),)), 1, "from_time"),
        (Rules(rules=(Rule(when=When(from_time="10:00"), url=page(1)),)), 1, "until_time"),
        (Rules(rules=(Rule(when=When(until_time="10:00"), url=page(1)),)), 1, "from_time"),
        (Rules(rules=(Rule(when=When(from_time="10:00", until_time="10:00"), url=page(1)),)), 1, "until_time"),
        (Rules(rules=(Rule(when=When(query_value="1"), url=page(1)),)), 1, "query_name"),
        (Rules(rules=(Rule(when=When(query_name="a&b"), url=page(1)),)), 1, "query_name"),
        (Rules(rules=(Rule(when=When(query_name="a", query_value="b" * 65), url=page(1)),)), 1, "query_value"),
        (Rules(rules=(Rule(key="R 1", url=page(1)),)), 1, "key"),
        (Rules(rules=(msgspec.structs.replace(GOOD, key="a"), Rule(key="a", url=page(1)))), 2, "key"),
        (Rules(rules=(Rule(variants=TWO[:1]),)), 1, "variants"),
        (Rules(rules=(Rule(variants=TWO * 3),)), 1, "variants"),
        (Rules(rules=(Rule(variants=(*TWO, Variant(weight=-1, url=page(1)))),)), 1, "weight"),
        (Rules(rules=(Rule(variants=(Variant(weight=0, url=page(1)),) * 2),)), 1, "weight"),
        (Rules(rules=(Rule(variants=(*TWO, Variant(weight=1))),)), 1, "url"),
        (Rules(rules=(Rule(variants=(*TWO, Variant(weight=1, url="http://item.jd.com/1.html"))),)), 1, "url"),
    ],
)
def test_rules_that_cannot_be_used_are_refused_with_rule_and_field(rules, rule, field):
    with pytest.raises(RuleBroken) as refused:
        check_rules(rules, expires_at=NOON + timedelta(days=300))
    assert (refused.value.details["rule"], refused.value.details["field"]) == (rule, field)
    for locale, side in (("zh-Hans", 0), ("en", 1)):
        sentence = refused.value.text(locale).sentence
        assert FIELDS[field][side] in sentence
        assert "?" not in sentence
        assert (f"{('第', 'Rule')[side]} {rule}" in sentence) == bool(rule)


def test_every_reason_stands_in_both_languages():
    assert all(zh != en for zh, en in (*REASONS.values(), *FIELDS.values()))


def test_rules_that_hold_to_everything_are_taken():
    check_rules(Rules(rules=(GOOD, Rule(variants=TWO))), expires_at=NOON)
    own = Rules(rules=(Rule(url="https://shop.example/a"),))
    check_rules(own, frozenset({"shop.example"}))


def test_an_own_page_is_told_where_a_visitor_comes_from_and_keeps_what_it_had():
    utm = Utm(source="weibo", medium="social", campaign="双十一", content="{campaign}-a b")
    made = tagged("https://shop.example/a?x=1&utm_source=mine#top", utm)
    parts = urlsplit(made)
    assert (parts.path, parts.fragment) == ("/a", "top")
    assert parse_qsl(parts.query) == [
        ("x", "1"),
        ("utm_source", "mine"),
        ("utm_medium", "social"),
        ("utm_campaign", "双十一"),
        ("utm_content", "双十一-a b"),
    ]
    assert made.isascii()
    assert tagged(made, utm) == made


@pytest.mark.parametrize(
    "url", [OWN, "https://m.tb.cn/h.abc", "https://xhslink.com/a/b", "weixin://dl/business/?t=abc123"]
)
def test_a_platform_s_address_stays_as_it_is(url):
    assert tagged(url, Utm(source="weibo")) == url


def test_an_address_that_would_be_too_long_stays_as_it_is():
    url = "https://shop.example/" + "a" * 1970
    assert tagged(url, Utm(source="weibo", medium="social")) == url


def test_there_is_a_preset_for_each_usual_channel():
    assert len(PRESETS) == len({preset.key for preset in PRESETS}) == 9
    assert all(
        preset.source and preset.medium and preset.zh_hans and preset.zh_hant and preset.en for preset in PRESETS
    )


def test_compiled_rules_carry_the_marks_already():
    rules = with_keys(Rules(utm=Utm(source="sms"), rules=(Rule(url="https://shop.example/b"),)))
    compiled = compile_rules(rules, "https://shop.example/a")
    assert compiled.own.url == "https://shop.example/a?utm_source=sms"
    assert compiled.choose(visit(), b"").url == "https://shop.example/b?utm_source=sms"
