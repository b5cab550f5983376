"""Reference pages are what the code says today."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def reference():
    """The writer of the pages; it imports the whole house."""
    return importlib.import_module("reference")


@pytest.mark.parametrize("name", ["settings.md", "commands.md", "events.md", "capabilities.md", "errors.md"])
def test_a_page_is_up_to_date(reference, name):
    written = (ROOT / "docs" / "reference" / name).read_text("utf-8")
    assert written == reference.PAGES[name](), "run `make docs` and commit docs/reference"


def test_every_written_page_is_checked(reference):
    marked = {page.name for page in (ROOT / "docs/reference").glob("*.md") if reference.NOTE in page.read_text("utf-8")}
    assert marked == set(reference.PAGES)


def test_words_of_the_glossary_are_unique_and_cover_the_domains():
    text = (ROOT / "docs/glossary.md").read_text("utf-8")
    words = re.findall(r"^\| ([a-zA-Z, -]+) \| ([^|]+) \|", text, re.MULTILINE)[1:]
    assert len({word for word, _ in words}) == len(words)
    known = {part for word, _ in words for part in word.split(", ")}
    for domain in ("link", "payment", "shop", "live session", "ledger", "customer", "merchant", "event", "connector"):
        assert domain in known
