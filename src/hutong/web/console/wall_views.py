"""What the wall board and the page of one wall show."""

from __future__ import annotations

from hutong.links.walls.board import Board, Cell
from hutong.web.console.views import View


class BoardView(View, frozen=True, kw_only=True):
    """The board; ``used``: walls that people's clicks came to, the most first; ``moved``: those that moved lately."""

    board: Board
    used: tuple[Cell, ...]
    moved: tuple[Cell, ...]
    problem: str = ""  # what is wrong with the home's own matrix, which is not in force


class WayRow(View, frozen=True, kw_only=True):
    """One way of a wall: ``do`` names it in the cell, ``forms`` in figures."""

    do: str
    kind: str
    taps: int
    evidence: str
    sources: tuple[str, ...]
    is_on: bool
    tries: int
    left: int
    is_closed: bool  # tried often enough and hardly ever arrived: fired no more by itself


class SystemWays(View, frozen=True, kw_only=True):
    """The ways on one system, in the order of matrix and choice; ``source``: why the matrix has them so."""

    system: str
    source: str
    ways: tuple[WayRow, ...]


class ChoiceRow(View, frozen=True, kw_only=True):
    """A way as the form offers it."""

    do: str
    kind: str
    is_on: bool


class WallView(View, frozen=True, kw_only=True):
    """One wall."""

    cell: Cell
    systems: tuple[SystemWays, ...]
    choice: tuple[ChoiceRow, ...]
    dated: str  # of the matrix
