"""Spellings that shall lead elsewhere than they seem to: hundreds by hand, and what chance puts together."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest
import yarl
from hypothesis import example, given, settings
from hypothesis import strategies as st
from playwright._impl._driver import compute_driver_executable

from hutong.links.destinations import (
    KNOWN_HOSTS,
    DestinationNotAllowed,
    check_destination,
    read_target,
    target_and_host,
)
from hutong.links.guard_states import HostState
from hutong.links.hosts import leads_on
from hutong.links.jumps.matrix import built_in
from hutong_sandbox.apps.cells import ADDRESSES

_SCRIPT = """
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  let found = null;
  try { const url = new URL(JSON.parse(line)); found = [url.protocol, url.hostname, url.port, url.username]; }
  catch { /* not an address to a browser */ }
  process.stdout.write(JSON.stringify(found) + "\\n");
});
"""


class Browser:
    """The address parser of browsers (WHATWG URL): Playwright brings Node, whose it is. Asked as long as it is open."""

    def __init__(self):
        node = compute_driver_executable()[0]
        self._process = subprocess.Popen(
            [node, "-e", _SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def read(self, text):
        """Scheme, host, port and user name as a browser reads them; None where it is no address to it."""
        self._process.stdin.write(json.dumps(text) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


HERE = Path(__file__).parent
OWN = frozenset({"shop.example.cn", "xn--fiq228c.xn--fiqs8s"})
REFUSED_MIN = 300


def _lines(name):
    lines = (HERE / name).read_text("ascii").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


LOOKALIKES = [json.loads(line) for line in _lines("lookalikes.txt")]
PASSING = [(host, json.loads(text)) for host, text in (line.split("\t") for line in _lines("addresses_that_pass.txt"))]


@pytest.fixture(scope="module")
def browser():
    opened = Browser()
    yield opened
    opened.close()


def test_the_file_has_hundreds_of_spellings_and_none_twice():
    assert len(LOOKALIKES) == len(set(LOOKALIKES)) >= REFUSED_MIN


def test_the_file_is_of_many_families():
    headings = [line for line in (HERE / "lookalikes.txt").read_text("ascii").splitlines() if line.startswith("# ")]
    assert len(headings) > 15


@pytest.mark.parametrize("spelling", LOOKALIKES, ids=ascii)
def test_a_lookalike_leads_nowhere(spelling):
    for read in (read_target, check_destination):
        with pytest.raises(DestinationNotAllowed):
            read(spelling, OWN)
    with pytest.raises(DestinationNotAllowed):
        check_destination(spelling)


@pytest.mark.parametrize(("host", "spelling"), PASSING, ids=ascii)
def test_a_plain_address_leads_where_every_reader_says(host, spelling, browser):
    found = check_destination(spelling, OWN)
    assert _readers(found, browser) == {host}
    # The path, the query and the fragment are the platform's: not one sign of them is touched.
    assert found.partition("//")[2][len(host) :] == spelling.strip().partition("//")[2][len(host) :]


def test_no_page_of_the_matrix_that_wraps_an_address_is_a_destination():
    """Filled with a page that would be allowed by itself; those on no known host are refused with any host."""
    wrappers = [form for form in built_in().forms.values() if form.kind == "wrapper"]
    assert len(wrappers) >= 3
    for form in wrappers:
        inside = quote("https://item.taobao.com/item.htm?id=1", safe="")
        address = form.address.format(scheme_enc=inside, weibo_scheme_enc=inside)
        with pytest.raises(DestinationNotAllowed):
            read_target(address, OWN)


@pytest.mark.parametrize("address", [one for many in ADDRESSES.values() for one in many])
def test_addresses_as_share_buttons_write_them_are_accepted(address):
    assert read_target(address).url == address


def test_an_address_inside_an_address_leads_to_whose_host_it_is():
    address = "https://item.taobao.com/item.htm?id=1&go=https%3A%2F%2Fshop.example.cn%2F"
    with pytest.raises(DestinationNotAllowed) as refused:
        read_target(address)
    assert refused.value.details["host"] == "shop.example.cn", "it is told which"
    target, host = target_and_host(address)
    assert (target.destination, host) == ("taobao", "shop.example.cn")
    assert not leads_on(address, {})
    assert not leads_on(address, {"shop.example.cn": HostState.PENDING})
    assert leads_on(address, {"shop.example.cn": HostState.VERIFIED})
    for kept in (
        "https://weibo.com/login.php?url=https://evil.example",
        "https://weibo.com/?a=mailto:y",
        "http://x/",
        "",
    ):
        assert not leads_on(kept, {"shop.example.cn": HostState.VERIFIED}), "kept before it was refused"


def test_the_browsers_reading_differs_from_pythons(browser):
    """What the two disagree on is what an open redirect is made of: were they one, this file would prove nothing."""
    differing = [text for text in LOOKALIKES if _python_host(text) != (browser.read(text) or ["", ""])[1]]
    assert len(differing) > len(LOOKALIKES) // 10


def _python_host(text):
    try:
        return urlsplit(text).hostname or ""
    except ValueError:
        return ""


def _readers(url, browser):
    """The hosts that the standard library, two client libraries and a browser read in an address."""
    protocol, host, port, user = browser.read(url)
    assert (protocol, port, user) == ("https:", "", "")
    return {host, urlsplit(url).hostname, yarl.URL(url, encoded=True).raw_host, httpx.URL(url).raw_host.decode()}


HOSTS = st.sampled_from([*sorted(KNOWN_HOSTS), *sorted(OWN), "evil.example", "127.0.0.1", "[::1]"])
MARKS = st.sampled_from(
    [
        *"/\\@:?#.;&%,'\"<>|^`{}[]()*+=~!$- \t\r\n\0",
        "//",
        "://",
        "..",
        "%2f",
        "%40",
        "%00",
        "%5c",
        ":443",
        "\u3002",
        "\uff0f",
        "\uff20",
        "\u200b",
        "\u00ad",
        "\u2028",
        "\ufeff",
        "\u0430",
        "\u212a",
        "\u017f",
        "xn--",
        "javascript:",
    ]
)
SCHEMES = st.sampled_from(["https://", "https:", "https:/", "HTTPS://", "http://", "//", "https:\\\\", "weixin://", ""])
SPELLINGS = st.builds(
    lambda scheme, parts, end: scheme + "".join(parts) + end,
    SCHEMES,
    st.lists(st.one_of(HOSTS, MARKS, st.text(max_size=3)), min_size=1, max_size=6),
    st.sampled_from(["", "/", "/item.htm?id=1", "?x=1", "#x"]),
)


@settings(max_examples=1500, deadline=None)
@given(SPELLINGS)
@example("https://item.taobao.com/item.htm?id=1")
@example("https://shop.example.cn")
def test_whatever_is_accepted_every_reader_reads_as_the_same_allowed_host(browser, spelling):
    try:
        found = check_destination(spelling, OWN)
    except DestinationNotAllowed:
        return
    hosts = _readers(found, browser)
    assert len(hosts) == 1
    assert hosts <= KNOWN_HOSTS | OWN
    assert check_destination(found, OWN) == found, "what is kept is read the same the next time"
