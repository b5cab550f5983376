"""Words of ours inside an error's details: what a field is called, what was expected of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self


class Told(str):
    """A source text with its ``%(name)s`` fields filled in; translated where it is shown, parts that are told included.

    Until then it reads as Simplified Chinese. The text must be named by ``mark`` where it is made.
    """

    template: str
    fields: dict[str, str | int]

    def __new__(cls, template: str, **fields: str | int) -> Self:
        """The text; without fields it stands as it is, per cent signs included."""
        made = super().__new__(cls, template % fields if fields else template)
        made.template = template
        made.fields = fields
        return made

    def translated(self, translate: Callable[[str], str]) -> str:
        """The text in another language."""
        template = translate(self.template)
        return template % spoken(self.fields, translate) if self.fields else template


def spoken(details: dict[str, str | int], translate: Callable[[str], str]) -> dict[str, str | int]:
    """Details with every text of ours in the language of ``translate``; what others wrote stays."""
    return {name: value.translated(translate) if isinstance(value, Told) else value for name, value in details.items()}
