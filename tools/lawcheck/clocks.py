"""Time is passed in: nothing asks the wall clock except the clocks themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from lawcheck.source import Source, dotted

#: The only files that read the wall clock: the hub's clock and the sandbox's.
CLOCKS: Final = frozenset({"src/hutong/db/clock.py", "src/hutong/core/clock.py", "src/hutong_sandbox/clock.py"})
#: Ends of calls that read it. time.monotonic measures durations and tells no date, so it is free.
WALL: Final = ("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns",
               "datetime.utcfromtimestamp", "time.localtime", "time.gmtime", "time.strftime")  # fmt: skip


#: What is asked of a time to know whether it has a zone.
#: The place of ``tzinfo`` among the arguments of ``datetime``.
TZINFO_PLACE: Final = 8
ZONE_LOOKS: Final = frozenset({"tzinfo", "utcoffset"})


def passed_in(source: Source) -> Iterator[tuple[int, str]]:
    """No wall clock outside the clocks."""
    if not source.place.startswith("src/") or source.place in CLOCKS:
        return
    imported = _renamed(source.tree)
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func)
        head, _, rest = name.partition(".")
        full = imported.get(head, head) + (f".{rest}" if rest else "")
        if full.endswith(WALL) and (full in WALL or full.split(".")[0] in ("datetime", "time")):
            yield node.lineno, f"{name}() reads the wall clock; take the time from the clock that is passed in"
        elif full.endswith("datetime.fromtimestamp") and len(node.args) + len(node.keywords) < 2:
            yield node.lineno, f"{name}() without a time zone makes a naive time"


def aware(source: Source) -> Iterator[tuple[int, str]]:
    """No time loses its zone, and none is read from text that may have none unless that is looked at there."""
    if not source.place.startswith("src/"):
        return
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        if dotted(node.func) in ("datetime", "datetime.datetime", "dt.datetime") and not _has_a_zone(node):
            yield node.lineno, "a naive time; name its zone"
        if not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr == "replace" and any(
            keyword.arg == "tzinfo" and isinstance(keyword.value, ast.Constant) and keyword.value.value is None
            for keyword in node.keywords
        ):
            yield node.lineno, "replace(tzinfo=None) makes a naive time; convert with astimezone"
        elif dotted(node.func).endswith("datetime.fromisoformat") and not _looks_at_the_zone(source, node):
            yield (
                node.lineno,
                "datetime.fromisoformat(…) is naive where the text names no zone; look at its tzinfo here",
            )


def _has_a_zone(call: ast.Call) -> bool:
    """Whether a moment is made with ``tzinfo``: by name, as the eighth argument, or by whatever is unpacked there."""
    unpacked = any(isinstance(arg, ast.Starred) for arg in call.args)
    return unpacked or len(call.args) >= TZINFO_PLACE or any(word.arg in ("tzinfo", None) for word in call.keywords)


def _looks_at_the_zone(source: Source, node: ast.AST) -> bool:
    holder: ast.AST = source.function_of(node) or source.tree
    return any(isinstance(part, ast.Attribute) and part.attr in ZONE_LOOKS for part in ast.walk(holder))


def _renamed(tree: ast.Module) -> dict[str, str]:
    """Local names of what is imported: ``dt`` → ``datetime`` and ``now`` → ``datetime.now`` alike."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update({alias.asname or alias.name: alias.name for alias in node.names})
        elif isinstance(node, ast.ImportFrom) and node.module in ("datetime", "time"):
            prefix = "" if node.module == "datetime" else "time."
            names.update({alias.asname or alias.name: prefix + alias.name for alias in node.names})
    return names
