"""The shape of code that can be read: short files and functions, loops and queues whose end is named."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final, TypeGuard

from lawcheck.source import Source, dotted

FILE_LINES_MAX: Final = 450
FUNCTION_LINES_MAX: Final = 70
MIGRATIONS: Final = "src/hutong/migrations/versions/"
QUEUES: Final = frozenset({"asyncio.Queue", "queue.Queue", "Queue", "asyncio.PriorityQueue", "queue.SimpleQueue"})
VAGUE_LIMITS: Final = frozenset({"MAX", "MIN", "LIMIT", "TIMEOUT", "SIZE", "DELAY", "INTERVAL", "WINDOW"})
RETRY_NAMES: Final = ("attempt", "attempts", "retry", "tries", "try_no")


def file_length(source: Source) -> Iterator[tuple[int, str]]:
    """A file past its limit holds two nouns: split it by noun."""
    count = len(source.lines)
    if count > FILE_LINES_MAX and _is_written_to_be_read(source):
        yield 1, f"{count} lines (at most {FILE_LINES_MAX}): split by noun"


def function_length(source: Source) -> Iterator[tuple[int, str]]:
    """A function that does not fit a screen does two things."""
    if not _is_written_to_be_read(source):
        return
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            count = (node.end_lineno or node.lineno) - node.lineno + 1
            if count > FUNCTION_LINES_MAX:
                yield node.lineno, f"{node.name} has {count} lines (at most {FUNCTION_LINES_MAX})"


def named_limits(source: Source) -> Iterator[tuple[int, str]]:
    """Queues have a size, retries a named limit, and an endless loop says in a comment what ends it."""
    if not source.place.startswith("src/"):
        return
    for node in source.nodes:
        if isinstance(node, ast.Call) and dotted(node.func) in QUEUES:
            if not node.args and not any(keyword.arg == "maxsize" for keyword in node.keywords):
                yield node.lineno, "a queue without maxsize grows until memory ends"
        elif isinstance(node, ast.While) and isinstance(node.test, ast.Constant) and node.test.value:
            if not _has_comment(source, node.lineno):
                yield node.lineno, "an endless loop without a comment that says what ends it"
        elif _retries_a_bare_number(node):
            yield node.lineno, "retries up to a bare number; name the limit"


def units_of_limits(source: Source) -> Iterator[tuple[int, str]]:
    """A limit says in its name what it counts: ``BODY_BYTES_MAX``, never a bare ``MAX`` or ``LIMIT``."""
    if not source.place.startswith("src/"):
        return
    for node in source.tree.body:
        targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        for name in (dotted(target) for target in targets):
            if name.strip("_") in VAGUE_LIMITS:
                yield node.lineno, f"{name} does not say what it counts or in which unit"


def _is_written_to_be_read(source: Source) -> bool:
    """Our own code, except migrations: those are lists of tables, drafted by a tool and never changed again."""
    return source.place.startswith(("src/", "tools/")) and not source.place.startswith(MIGRATIONS)


def _has_comment(source: Source, line: int) -> bool:
    here = source.lines[line - 1]
    above = source.lines[line - 2].strip() if line > 1 else ""
    return "#" in here or above.startswith("#")


def _retries_a_bare_number(node: ast.AST) -> TypeGuard[ast.For | ast.AsyncFor]:
    """Whether this is ``for attempt in range(5)``."""
    if not (isinstance(node, ast.For | ast.AsyncFor) and dotted(node.target).strip("_") in RETRY_NAMES):
        return False
    turns = node.iter
    if not (isinstance(turns, ast.Call) and dotted(turns.func) == "range"):
        return False
    return all(isinstance(arg, ast.Constant) for arg in turns.args)
