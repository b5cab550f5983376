"""The page of ways as a browser has it: read from HTML, nothing known beforehand of how it was made."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Final

import msgspec

#: A page has less than 6 kB compressed; what is much larger is another page.
PAGE_CHARS_MAX: Final = 200_000


class Shown(msgspec.Struct, kw_only=True):
    """One way on the page: its name, its kind, where its link leads or what its button copies."""

    form: str
    kind: str
    is_hidden: bool
    href: str = ""
    copies: str = ""
    has_picture: bool = False


class Page(msgspec.Struct, kw_only=True):
    """The ways in the order of the page, and where it tells what became of them."""

    tell: str
    ways: list[Shown]


def read_page(html: str) -> Page | None:
    """The page of ways, or None where this is another page."""
    if len(html) > PAGE_CHARS_MAX:
        return None
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return None if reader.tell is None else Page(tell=reader.tell, ways=reader.ways)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tell: str | None = None
        self.ways: list[Shown] = []
        self._inside: Shown | None = None
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """HTMLParser's."""
        given = {name: value or "" for name, value in attrs}
        if "data-tell" in given:
            self.tell = given["data-tell"]
        if "data-form" in given:
            self._inside = Shown(form=given["data-form"], kind=given.get("data-kind", ""), is_hidden="hidden" in given)
            self._depth = 0
            self.ways.append(self._inside)
        if self._inside is None:
            return
        if tag == "div":
            self._depth += 1
        if tag == "a" and not self._inside.href:
            self._inside.href = given.get("href", "")
        self._inside.copies = self._inside.copies or given.get("data-copy", "")
        self._inside.has_picture = self._inside.has_picture or tag == "svg"

    def handle_endtag(self, tag: str) -> None:
        """HTMLParser's."""
        if self._inside is not None and tag == "div":
            self._depth -= 1
            if self._depth == 0:
                self._inside = None
