"""Which requests no person made: a corpus of machines with their sources, and of people who look like machines."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.links.containers import classify
from hutong.links.machines import (
    HEAD,
    HEADLESS,
    LIBRARY,
    MONITOR,
    NAMELESS,
    PART,
    PREFETCH,
    PREVIEW,
    REASONS,
    SPIDER,
    early_kind,
    machine_kind,
    read_kind,
    stopped,
)

#: Each: the kind of machine (empty: a person), where it was seen (``github.com/OWNER/NAME PATH @COMMIT``, or the number
#: of a file in the public index of texts), the User-Agent.
CORPUS = json.loads((Path(__file__).parent / "machines.json").read_text("utf-8"))
SOURCE = re.compile(r"github\.com/[\w.-]+/[\w.-]+ \S.* @[0-9a-f]{40}|index id \d+(?: \(\w+\))?")
SEEN_MIN = {PREVIEW: 20, SPIDER: 30, MONITOR: 12, HEADLESS: 4, LIBRARY: 14, "": 38}
#: Who fetches links for a chat, a search engine or a shop's own monitoring, as the issue names them.
NAMED = [
    "TelegramBot",
    "WhatsApp",
    "Slackbot",
    "Twitterbot",
    "facebookexternalhit",
    "Discordbot",
    "LinkedInBot",
    "DingTalkBot",
    "Googlebot",
    "bingbot",
    "Baiduspider",
    "Sogou",
    "360Spider",
    "Bytespider",
    "ToutiaoSpider",
    "YisouSpider",
    "UptimeRobot",
    "HeadlessChrome",
    "PhantomJS",
    "curl",
    "Wget",
    "python-requests",
    "okhttp",
    "Go-http-client",
    "Scrapy",
]


def test_the_corpus_is_wide_and_every_source_can_be_checked():
    seen = Counter(entry["kind"] for entry in CORPUS)
    assert {kind: seen[kind] for kind, least in SEEN_MIN.items() if seen[kind] < least} == {}
    assert len({entry["agent"] for entry in CORPUS}) == len(CORPUS)
    assert [entry["source"] for entry in CORPUS if not SOURCE.fullmatch(entry["source"])] == []
    machines = [entry["agent"] for entry in CORPUS if entry["kind"]]
    assert [name for name in NAMED if not any(name.lower() in agent.lower() for agent in machines)] == []


@pytest.mark.parametrize("entry", CORPUS, ids=lambda entry: entry["kind"] or "person")
def test_machines_are_told_from_people(entry):
    assert machine_kind(entry["agent"]) == entry["kind"]
    found = classify(entry["agent"])
    assert (found.machine, found.is_bot) == (entry["kind"], bool(entry["kind"]))


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (Linux; Android 8.1.0; CUBOT_J3 Build/O11019) AppleWebKit/537.36 Chrome/71 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 7.0; M bot 60 Build/NRD90M) AppleWebKit/537.36 Chrome/58 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 13; Spider 8) AppleWebKit/537.36 Chrome/124.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Linux; Android 9; K) AppleWebKit/537.36 Chrome/66 Mobile Safari/537.36 Viber/11.9.5.8",
        "Mozilla/5.0 (Linux; Android 9; K; wv) AppleWebKit/537.36 Chrome/66 Mobile Safari/537.36 [Pinterest/Android]",
        "Mozilla/5.0 (Linux; Android 9; K; wv) AppleWebKit/537.36 Chrome/66 Mobile Safari/537.36 okhttp/3.12",
        # Xiaohongshu's own requests begin as Android's plain client does, and go on.
        "Dalvik/2.1.0 (Linux; U; Android 14; V2417A Build/UP1A) Resolution/1260*2800 discover/8.69.5 NetType/WiFi",
    ],
)
def test_a_person_with_an_odd_phone_or_app_is_a_person(agent):
    assert machine_kind(agent) == ""


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        ("", NAMELESS),
        ("  ", NAMELESS),
        ("WhatsApp/2.23.20.0 A", PREVIEW),
        ("Dalvik/2.1.0 (Linux; U; Android 9; MI 8 Build/PKQ1)", LIBRARY),
        ("Mozilla/5.0 (Linux; Android 5; K; compatible; Baiduspider/2.0; +http://www.baidu.com/search) Chrome", SPIDER),
    ],
)
def test_what_names_itself_nothing_or_nothing_else(agent, kind):
    assert machine_kind(agent) == kind


@given(st.text(max_size=300))
def test_any_text_has_a_kind_or_none(agent):
    assert machine_kind(agent) in ("", *REASONS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("sec-purpose", "prefetch;anonymous-client-ip"),
        ("purpose", "prefetch"),
        ("purpose", "preview"),
        ("x-purpose", "preview"),
        ("x-purpose", ": Preview"),
        ("x-moz", "prefetch"),
    ],
)
def test_what_a_browser_fetches_before_anybody_asks_is_no_visit(name, value):
    assert early_kind("GET", {name.encode(): value.encode()}) == PREFETCH


@pytest.mark.parametrize(
    ("destination", "kind"),
    [
        *((name, PART) for name in ("image", "script", "style", "font", "video", "audio", "manifest", "worker")),
        *((name, "") for name in ("document", "iframe", "empty", "", "Image")),
    ],
)
def test_a_part_of_somebodys_page_is_no_visit(destination, kind):
    """W3C, Fetch Metadata Request Headers, §2.1: the header's value is a token, in lower case."""
    assert early_kind("GET", {b"sec-fetch-dest": destination.encode()}) == kind


def test_an_ordinary_request_and_one_for_the_head_alone():
    assert early_kind("GET", {b"purpose": b"visit", b"accept": b"*/*"}) == ""
    assert early_kind("HEAD", {}) == HEAD


@pytest.mark.parametrize("reason", ["locked", "closed"])
@pytest.mark.parametrize("kind", ["", "spider", "other"])
def test_what_was_led_nowhere_keeps_its_kind_and_why(kind, reason):
    assert read_kind(stopped(kind, reason)) == (kind or reason, reason)
    assert read_kind(kind) == (kind, "")
