"""Time is passed in: nothing asks the wall clock except the clocks themselves."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from lawcheck import sql
from lawcheck.source import Source, dotted

#: The only files that read the wall clock: the hub's clock and the sandbox's.
CLOCKS: Final = frozenset({"src/hutong/db/clock.py", "src/hutong/core/clock.py", "src/hutong_sandbox/clock.py"})
#: Names whose owners are known also where a file does not import them.
COMMON: Final = {"datetime": "datetime.datetime", "date": "datetime.date"}
#: What reads it, called or handed on. time.monotonic measures durations and tells no date, so it is free.
WALL: Final = frozenset(
    {
        "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
        "datetime.datetime.utcfromtimestamp", "time.time", "time.time_ns", "time.localtime", "time.gmtime",
        "time.strftime", "time.ctime", "time.asctime", "time.clock_gettime", "time.clock_gettime_ns",
    }
)  # fmt: skip
#: The database's own clock: functions that are called, and words that stand alone.
DATABASE_CALLS: Final = ("now", "clock_timestamp", "statement_timestamp", "transaction_timestamp", "timeofday")
DATABASE_WORDS: Final = ("current_timestamp", "current_date", "current_time", "localtimestamp", "localtime")
DATABASE_CLOCK: Final = re.compile(
    rf"\b(?:(?:{'|'.join(DATABASE_CALLS)})\s*\(\s*\)|(?:{'|'.join(DATABASE_WORDS)})\b)", re.IGNORECASE
)
#: The place of ``tzinfo`` among the arguments of ``datetime`` and of ``datetime.combine``.
TZINFO_PLACE: Final = 8
COMBINE_TZINFO_PLACE: Final = 3
#: What makes a moment of a day and never knows a zone.
NAIVE: Final = frozenset({"datetime.datetime.fromordinal", "datetime.datetime.fromisocalendar"})
#: What makes a moment of a text and knows a zone only where the text does.
FROM_TEXT: Final = "datetime.datetime.fromisoformat"
#: What is asked of a time to know whether it has a zone.
ZONE_LOOKS: Final = frozenset({"tzinfo", "utcoffset"})


def passed_in(source: Source) -> Iterator[tuple[int, str]]:
    """No wall clock outside the clocks: not called, not handed on, not the database's."""
    if not source.place.startswith("src/") or source.place in CLOCKS:
        return
    for node in source.nodes:
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            full = _full_name(source, node)
            if full in WALL:
                yield node.lineno, f"{dotted(node)} reads the wall clock; take the time of the clock that is passed in"
            elif full.startswith("sqlalchemy.") and full.rpartition(".")[2] in (*DATABASE_CALLS, *DATABASE_WORDS):
                yield node.lineno, f"{dotted(node)} is the database's clock; give it the time that is passed in"
        elif (
            isinstance(node, ast.Call)
            and len(node.args) + len(node.keywords) < 2
            and _full_name(source, node.func) == "datetime.datetime.fromtimestamp"
        ):
            yield node.lineno, f"{dotted(node.func)}() without a time zone makes a naive time"
    for text_node, text in sql.texts(source):
        if DATABASE_CLOCK.search(text) and not (text.islower() and text.isidentifier()):  # a key of that name
            yield text_node.lineno, "the database's clock in SQL; give it the time that is passed in"


def aware(source: Source) -> Iterator[tuple[int, str]]:
    """No time loses its zone, and none is read from text that may have none unless that is looked at there."""
    if not source.place.startswith("src/"):
        return
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and _reads_blindly(source, node):
            yield node.lineno, f"{dotted(node)} is naive where the text names no zone; look at its tzinfo here"
        if not isinstance(node, ast.Call):
            continue
        full = _full_name(source, node.func)
        if full == "datetime.datetime" and not _has_a_zone(node, TZINFO_PLACE):
            yield node.lineno, "a naive time; name its zone"
        elif full == "datetime.datetime.combine" and not _combines_a_zone(node) and not _gets_a_zone(source, node):
            yield node.lineno, "datetime.combine(…) of a day and a time without a zone; name it as tzinfo"
        elif full in NAIVE and not _gets_a_zone(source, node):
            yield node.lineno, f"{dotted(node.func)}(…) makes a naive time; combine the day with a time and its zone"
        elif isinstance(node.func, ast.Attribute) and node.func.attr == "replace" and _zone_given(node) is False:
            yield node.lineno, "replace(tzinfo=None) makes a naive time; convert with astimezone"


def _full_name(source: Source, node: ast.expr) -> str:
    """The full name of what a file uses; datetime's own classes also where the file does not say whence."""
    head, dot, rest = dotted(node).partition(".")
    return source.full_name(node) if head in source.imported else f"{COMMON.get(head, head)}{dot}{rest}"


def _has_a_zone(call: ast.Call, place: int) -> bool:
    """Whether a moment is made with ``tzinfo``: by name, as an argument in its place, or by whatever is unpacked."""
    unpacked = any(isinstance(arg, ast.Starred) for arg in call.args)
    return unpacked or len(call.args) >= place or any(word.arg in ("tzinfo", None) for word in call.keywords)


def _combines_a_zone(call: ast.Call) -> bool:
    """Whether ``combine`` is given a zone, itself or with its time of day."""
    if _has_a_zone(call, COMBINE_TZINFO_PLACE):
        return True
    at = call.args[1] if len(call.args) > 1 else None
    return isinstance(at, ast.Call) and (
        any(word.arg == "tzinfo" for word in at.keywords) or dotted(at.func).endswith(".timetz")
    )


def _zone_given(call: ast.Call) -> bool | None:
    """Whether ``replace`` gives a zone or takes it away; None where it leaves it alone."""
    given = [word.value for word in call.keywords if word.arg == "tzinfo"]
    return not (isinstance(given[0], ast.Constant) and given[0].value is None) if given else None


def _gets_a_zone(source: Source, node: ast.Call) -> bool:
    """Whether ``.replace(tzinfo=…)`` follows at once."""
    name = source.parents.get(node)
    call = source.parents.get(name) if isinstance(name, ast.Attribute) and name.attr == "replace" else None
    return isinstance(call, ast.Call) and _zone_given(call) is True


def _reads_blindly(source: Source, name: ast.Attribute) -> bool:
    """Whether times are read from text, there or by whom it is handed to, where nothing looks at their zone."""
    return _full_name(source, name) == FROM_TEXT and not _looks_at_the_zone(source, name)


def _looks_at_the_zone(source: Source, node: ast.AST) -> bool:
    holder: ast.AST = source.function_of(node) or source.tree
    return any(isinstance(part, ast.Attribute) and part.attr in ZONE_LOOKS for part in ast.walk(holder))
