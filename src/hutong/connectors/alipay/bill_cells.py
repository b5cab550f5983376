"""A line of a bill as cells, also where a text in it holds commas. Pure.

What is known: none of the public samples has a comma in a text or a quoted cell. Alipay's export for consumers writes
a comma of a name as a wide one (github.com/edge-sky/Bills-save, issue 12). Public clients cut a merchant's bill at
every comma, or with a reader of CSV that knows quotes; no document was found that says what it does. Texts that people
wrote stand in it: 商品名称, 对方账户, 券名称, and 备注, a shop's whole description. So all three are read: wide commas
as they are, quoted cells as CSV, and a line with too many cells by what its other columns must look like.

Unverified: which of the three the live platform does.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from typing import Final

from hutong.core.errors import InvalidInput

SEPARATOR: Final = ","
QUOTE: Final = '"'
#: Cells of one line that are looked through; a description in many parts has some dozens.
CELLS_MAX: Final = 500
UNIT: Final = re.compile(r"[（(]元[）)]")
_AMOUNT: Final = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?")
#: Forms of the columns that are no amounts; what is not here is text and may hold anything.
_FORMS: Final = {
    "支付宝交易号": re.compile(r"[!-~]+"),
    "商户订单号": re.compile(r"[!-~]*"),
    "业务类型": re.compile(r"\w+"),
    "创建时间": re.compile(r"[0-9]{4}(-[0-9]{2}){2} [0-9]{2}(:[0-9]{2}){2}"),
    "完成时间": re.compile(r"[0-9]{4}(-[0-9]{2}){2} [0-9]{2}(:[0-9]{2}){2}"),
    "退款批次号/请求号": re.compile(r"[!-~]*"),
}


class Cutter:
    """Cuts the lines of one bill, by its header."""

    def __init__(self, header: str, wanted: Sequence[str]) -> None:
        """``wanted``: names of the columns that are told.

        Raises:
            InvalidInput: one of them is not there, or more than once. ``field`` names it.
        """
        raw = [name.strip() for name in header.split(SEPARATOR)]
        names = [UNIT.sub("", name) for name in raw]
        for name in wanted:
            if names.count(name) != 1:
                raise InvalidInput(field=name, problem="column")
        self.width = len(names)
        self._places = {name: names.index(name) for name in wanted}
        amounts = {name for told, name in zip(raw, names, strict=True) if UNIT.search(told)}.union(wanted)
        self._forms = [_FORMS.get(name) or (_AMOUNT if name in amounts else None) for name in names]

    def cut(self, line: str) -> dict[str, str] | None:
        """The wanted cells; None where the line has too few, or it is not certain which they are."""
        cells = [cell.strip() for cell in line.split(SEPARATOR)]
        quoted = [cell.strip() for cell in next(csv.reader([line]))] if QUOTE in line else []
        if len(quoted) == self.width and self._have_forms(quoted):
            cells = quoted
        if len(cells) == self.width:
            return {name: cells[place] for name, place in self._places.items()}
        return self._fitted(cells) if self.width < len(cells) <= CELLS_MAX else None

    def _have_forms(self, cells: Sequence[str]) -> bool:
        """A quote that belongs to a text would swallow what follows it."""
        return all(form is None or form.fullmatch(cell) for form, cell in zip(self._forms, cells, strict=True))

    def _fitted(self, cells: Sequence[str]) -> dict[str, str] | None:
        """What is told wherever texts may take the surplus cells, while every other column has its form.

        Forward and backward it is noted where each column can begin and end. A wanted one that could tell two things is
        not certain.
        """
        begins = self._ends(cells, self._forms)
        mirrored = self._ends(cells[::-1], self._forms[::-1])[::-1]
        told: dict[str, str] = {}
        for name, place in self._places.items():
            ends = {len(cells) - end for end in mirrored[place + 1]}
            form = self._forms[place]
            assert form is not None, "what is wanted has a form"
            found = {cells[at] for at in begins[place] if at + 1 in ends and form.fullmatch(cells[at])}
            if len(found) != 1:
                return None
            told[name] = found.pop()
        return told

    @staticmethod
    def _ends(cells: Sequence[str], forms: Sequence[re.Pattern[str] | None]) -> list[set[int]]:
        """After so many columns: how many cells they may have taken. A text takes one or more."""
        ends = [{0}]
        for form in forms:
            last = ends[-1]
            if form is None:
                ends.append(set(range(min(last) + 1, len(cells) + 1)) if last else set())
            else:
                ends.append({at + 1 for at in last if at < len(cells) and form.fullmatch(cells[at])})
        return ends
