"""The matrix of jumps: every cell has a way, and a broken file is refused with its line and reason."""

from __future__ import annotations

import contextlib
import random
from itertools import product

import pytest

from hutong.links.containers import CONTAINERS, SYSTEMS
from hutong.links.destinations import DESTINATIONS
from hutong.links.jumps.broken import REASONS, MatrixBroken
from hutong.links.jumps.matrix import BUILT_IN, FALLBACKS, SCHEME, built_in, load_matrix

TEXT = BUILT_IN.read_text("utf-8")
CONTAINERS_MIN, DESTINATIONS_MIN = 14, 12


@pytest.fixture(scope="module")
def matrix():
    return built_in()


def test_it_is_large_enough():
    assert len(CONTAINERS) >= CONTAINERS_MIN
    assert len(DESTINATIONS) >= DESTINATIONS_MIN


def test_every_cell_can_be_tried_and_needs_nobodys_permission_in_the_end(matrix):
    for container, system, destination in product(CONTAINERS, SYSTEMS, DESTINATIONS):
        row = matrix.cell(container, system, destination)
        live = [attempt for attempt in row.attempts if attempt.is_on]
        assert {SCHEME if one.do == SCHEME else matrix.forms[one.do].kind for one in live} & FALLBACKS
        assert row.source


def test_pages_of_other_companies_are_off(matrix):
    wrappers = {name for name, form in matrix.forms.items() if form.kind == "wrapper"}
    assert wrappers
    tried = [attempt for row in matrix.rows for attempt in row.attempts if attempt.do in wrappers]
    assert tried
    assert not any(attempt.is_on for attempt in tried)


def test_every_form_is_used(matrix):
    used = {attempt.do for row in matrix.rows for attempt in row.attempts}
    used |= {name for names in matrix.schemes.values() for name in names}
    assert set(matrix.forms) == used - {SCHEME}


def line_of(part, text=TEXT):
    """The line on which a part begins."""
    return text[: text.index(part)].count("\n") + 1


#: What stands in the file, what it is changed to, the reason, and where the fault is told (the changed part itself).
FAULTS = {
    "another version": ("version: 1", "version: 2", "version"),
    "no taps": ("{do: qr, taps: 1, evidence: seen}]", "{do: qr, evidence: seen}]", "missing"),
    "many taps": ("{do: qr, taps: 1, evidence: seen}]", "{do: qr, taps: 12, evidence: seen}]", "taps"),
    "taps in words": ("{do: qr, taps: 1, evidence: seen}]", "{do: qr, taps: two, evidence: seen}]", "taps"),
    "taps beyond every number": (
        "{do: qr, taps: 1, evidence: seen}]",
        "{do: qr, taps: " + "9" * 5_000 + ", evidence: seen}]",
        "taps",
    ),
    "a host that is none": (
        '"https://ace.tb.cn/t?smburl={scheme_enc}"',
        '"https://[x/?smburl={scheme_enc}"',
        "address",
    ),
    "a kind that is not built": (
        'kind: wrapper\n    address: "https://ds',
        'kind: tag\n    address: "https://ds',
        "unknown_kind",
    ),
    "taps in other digits": ("{do: qr, taps: 1, evidence: seen}]", "{do: qr, taps: ２, evidence: seen}]", "taps"),
    "unknown form": ("{do: qr, taps: 1, evidence: seen}]", "{do: leap, taps: 1, evidence: seen}]", "unknown_form"),
    "hearsay": ("{do: qr, taps: 1, evidence: seen}]", "{do: qr, taps: 1, evidence: told}]", "evidence"),
    "neither on nor off": (
        "{do: qr, taps: 1, evidence: seen}]",
        "{do: qr, taps: 1, evidence: seen, default: maybe}]",
        "default",
    ),
    "one attempt twice": (
        "[{do: guide, taps: 4, evidence: guessed}]",
        "[{do: guide, taps: 4, evidence: guessed}, {do: guide, taps: 4, evidence: guessed}]",
        "twice",
    ),
    "a wrapper that is on": (
        "{do: weibo_wrapper, taps: 1, evidence: seen, default: off}",
        "{do: weibo_wrapper, taps: 1, evidence: seen, default: on}",
        "wrapper_on",
    ),
    "unknown key": (
        "{do: qr, taps: 1, evidence: seen}]",
        "{do: qr, taps: 1, evidence: seen, colour: red}]",
        "unknown_key",
    ),
    "unknown container": (
        "- from: [xiaohongshu]\n    to: [wechat_mini]",
        "- from: [redbook]\n    to: [wechat_mini]",
        "unknown_container",
    ),
    "unknown destination": ("to: [pinduoduo, jd, weidian]", "to: [pinduoduo, jd, ebay]", "unknown_destination"),
    "unknown system": (
        "on: [ios]\n    to: [taobao, tmall]",
        "on: [symbian]\n    to: [taobao, tmall]",
        "unknown_system",
    ),
    "a scheme of its own": ('"kwai://work/{video}"', '"javascript:{video}"', "address"),
    "a wrapper elsewhere": (
        '"https://ace.tb.cn/t?smburl={scheme_enc}"',
        '"https://evil.example/?to={scheme_enc}"',
        "address",
    ),
    "a page that is none of the link's": (
        'page: {kind: page, address: "{url}"',
        'page: {kind: page, address: "https://evil.example/"',
        "address",
    ),
    "unknown name": ('"kwai://work/{video}"', '"kwai://work/{movie}"', "unknown_name"),
    "an attribute in a name": ('"kwai://work/{video}"', '"kwai://work/{video.__class__}"', "unknown_name"),
    "an apostrophe": ('"kwai://work/{video}"', '"kwai://work/{video}\'x"', "address"),
    "a quote": ('"kwai://work/{video}"', "'kwai://work/{video}\"x'", "address"),
    "an angle": ('"kwai://work/{video}"', '"kwai://work/<{video}>"', "address"),
    "a backslash": ('"kwai://work/{video}"', "'kwai://work\\\\{video}'", "address"),
    "an open brace": ('"kwai://work/{video}"', '"kwai://work/{video"', "address"),
    "a kind nobody knows": (
        'kind: wrapper\n    address: "https://ds',
        'kind: magic\n    address: "https://ds',
        "unknown_kind",
    ),
    "a list where a text is": ("dated: 2026-11-27", "dated: [2026]", "not_text"),
    "a key twice": ("dated: 2026-11-27", "dated: 2026-11-27\ndated: 2026-11-28", "twice"),
    "no yaml": ("dated: 2026-11-27", "dated: 2026: 11: 27", "not_yaml"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_broken_file_is_refused_with_its_line_and_reason(name):
    before, after, reason = FAULTS[name]
    assert before in TEXT
    text = TEXT.replace(before, after, 1)
    first = line_of(after, text)
    with pytest.raises(MatrixBroken) as told:
        load_matrix("mine.yaml", text)
    chinese, english = REASONS[reason]
    assert english.split("{what}")[0] in told.value.text("en").sentence
    assert chinese.split("{what}")[0] in told.value.text("zh").sentence
    assert "mine.yaml" in told.value.text("zh").sentence
    assert first <= int(told.value.details["line"]) <= first + after.count("\n") + 1


def test_an_alias_is_refused():
    text = TEXT.replace("own: [taobao, tmall], schemes", "own: &a [taobao, tmall], schemes", 1)
    text = text.replace("tmall: {own: [taobao, tmall]", "tmall: {own: *a", 1)
    with pytest.raises(MatrixBroken, match="aliases") as told:
        load_matrix("mine.yaml", text)
    assert told.value.details["line"] == line_of("tmall: {own: *a", text)


def test_a_cell_without_a_way_is_refused():
    text = TEXT.replace("- from: [xiaohongshu]\n    to: any", "- from: [xiaohongshu]\n    to: [taobao]")
    with pytest.raises(MatrixBroken, match=r"xiaohongshu × \w+ .* has no attempt"):
        load_matrix("mine.yaml", text)


def test_a_cell_that_needs_somebodys_permission_is_refused():
    before = '    source: "told by others: refused"\n    try: [{do: guide, taps: 4, evidence: guessed}]'
    assert before in TEXT
    text = TEXT.replace(before, before.replace("guide", "scheme"))
    with pytest.raises(MatrixBroken, match=r"alipay × wechat_mini .* nobody's permission") as told:
        load_matrix("mine.yaml", text)
    assert told.value.details["line"] == line_of("- from: [alipay]\n    to: [wechat_mini]", text)


def test_a_row_behind_one_that_takes_all_is_refused():
    text = (
        TEXT + '  - from: [mobile]\n    to: [jd]\n    source: "late"\n    try: [{do: page, taps: 1, evidence: seen}]\n'
    )
    with pytest.raises(MatrixBroken, match="never reached") as told:
        load_matrix("mine.yaml", text)
    assert told.value.details["line"] == text.count("\n") - 3


@pytest.mark.parametrize(
    "text", ["", "[]", "- a", "a: &x [*x]", "\x00", "a:\n\t- b", "a: " + "[" * 2000, "x" * 600_000]
)
def test_anything_else_is_refused_too(text):
    with pytest.raises(MatrixBroken):
        load_matrix("mine.yaml", text)


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_spoilt_the_file_is_taken_or_refused(seed):
    """Anything but a refusal would end the hub that reads the file again."""
    chance = random.Random(seed)
    text = TEXT
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(text))
        piece = chance.choice(
            ["", "{", "}", "[", ":", "\n", "- ", "\t", '"', "&a ", "*a", "\ufeff", "\x00", "9" * 5_000, "[x", "{}"]
        )
        text = text[:at] + piece + text[at + chance.randrange(4) :]
    with contextlib.suppress(MatrixBroken):
        load_matrix("mine.yaml", text)
