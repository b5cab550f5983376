"""The click journal: whatever a kill leaves behind is read back, counted once, and never half."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from uuid import UUID, uuid4

import msgspec
import pytest

from hutong.edge.journal import SLOT_BYTES, Click, ClickJournal
from hutong.links.machines import REASONS
from hutong.links.visitors import LANGUAGE_CHARS_MAX


def make_click(**changed) -> Click:
    values = {
        "merchant_id": uuid4(),
        "click_id": uuid4(),
        "link_id": uuid4(),
        "channel_id": uuid4(),
        "container": "wechat",
        "os": "ios",
        "language": "zh-CN",
        "referrer": "social",
        "address_hash": os.urandom(16),
        "is_bot": False,
        "clicked_at": datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC),
    }
    return Click(**{**values, **changed})


@pytest.fixture
def open_journal(tmp_path):
    opened = []

    def make(**settings) -> ClickJournal:
        opened.append(ClickJournal(tmp_path / "clicks.journal", **settings))
        return opened[-1]

    yield make
    for journal in opened:
        journal.close()


def test_what_was_kept_is_read_back_by_the_next_process(open_journal):
    first = open_journal()
    clicks = [make_click() for _ in range(5)]
    assert all(first.keep(click) for click in clicks)
    first.mark_stored(2)
    second = open_journal()
    assert second.waiting() == clicks[2:]
    assert (second.answered, second.kept, second.stored, second.lost) == (5, 5, 2, 0)


def test_the_longest_click_fits(open_journal):
    """A language is sixteen letters at most; the other texts are words of our own."""
    journal = open_journal()
    longest = make_click(
        language="x" * LANGUAGE_CHARS_MAX,
        container="xiaohongshu_webview",
        os="harmonyos",
        is_bot=True,
        machine=max(REASONS, key=len),
    )
    assert journal.keep(longest)
    assert journal.waiting() == [longest]


class ClickOfBefore(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A click as journals held it before the kind of machine was kept."""

    merchant_id: UUID
    click_id: UUID
    link_id: UUID
    channel_id: UUID
    container: str
    os: str
    language: str
    referrer: str
    address_hash: bytes
    is_bot: bool
    clicked_at: datetime


def test_a_journal_of_the_version_before_is_read(open_journal):
    click = make_click(is_bot=True)
    values = {name: getattr(click, name) for name in ClickOfBefore.__struct_fields__}
    assert open_journal().keep(ClickOfBefore(**values))
    assert open_journal().waiting() == [click]


def test_a_full_ring_counts_what_it_cannot_keep(open_journal):
    journal = open_journal(slots=4)
    clicks = [make_click() for _ in range(6)]
    assert [journal.keep(click) for click in clicks] == [True] * 4 + [False] * 2
    assert (journal.answered, journal.kept, journal.lost, journal.untold()) == (6, 4, 2, 2)
    journal.mark_stored(3)
    later = [make_click() for _ in range(3)]
    assert all(journal.keep(click) for click in later)
    assert journal.waiting() == [clicks[3], *later]
    journal.mark_told(2)
    assert (journal.lost, journal.untold()) == (2, 0)


def test_many_rounds_of_the_ring(open_journal):
    journal = open_journal(slots=3)
    kept = itertools.count()
    for _ in range(100):
        click = make_click()
        assert journal.keep(click)
        assert journal.waiting() == [click]
        journal.mark_stored(1)
        next(kept)
    assert journal.answered == journal.stored == next(kept)


def test_a_click_that_does_not_fit_is_lost_not_cut(open_journal):
    journal = open_journal()
    assert not journal.keep(make_click(container="x" * SLOT_BYTES))
    assert (journal.kept, journal.lost, journal.waiting()) == (0, 1, [])


def test_kill_minus_nine_in_the_middle_of_writing(tmp_path):
    """A process writes as fast as it can and is killed: every click that counts is whole, in order, none is missing."""
    path = tmp_path / "clicks.journal"
    script = f"""
import sys
from datetime import datetime, UTC
from pathlib import Path
from uuid import UUID
from hutong.edge.journal import Click, ClickJournal
journal = ClickJournal(Path({str(path)!r}))
nobody = UUID(int=0)
at = datetime(2026, 1, 1, tzinfo=UTC)
print("go", flush=True)
for number in range(60_000):
    journal.keep(Click(merchant_id=nobody, click_id=UUID(int=number), link_id=nobody, channel_id=nobody, container="c",
        os="o", language="l", referrer="r", address_hash=b"", is_bot=False, clicked_at=at))
sys.stdin.read()
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"go\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    journal = ClickJournal(path)
    found = journal.waiting()
    assert [click.click_id.int for click in found] == list(range(journal.kept))
    assert journal.answered == journal.kept
    journal.close()
