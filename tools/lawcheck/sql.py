"""Statements as the code writes them: SQL as text, and what SQLAlchemy's builders make."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from lawcheck.source import Source

BUILDERS: Final = frozenset({"select", "insert", "update", "delete"})
#: Words that open a statement about rows. Those that may be English too (``TABLE x``) only in capitals.
STATEMENT: Final = re.compile(
    r"""(?:[\s(]|\{\})*(?:EXPLAIN\b(?:\s|\([^)]*\)|ANALYZE\b|VERBOSE\b)*)?(?:
        SELECT\b.+?\bFROM\b | INSERT\s+INTO\b | DELETE\s+FROM\b | MERGE\s+INTO\b | TRUNCATE\s+TABLE\b
        | UPDATE\s+(?:ONLY\s+)?[\w."{}]+(?:\s*\*)?(?:\s+(?:AS\s+)?[\w"]+)?\s+SET\b
        | WITH\s+(?:RECURSIVE\s+)?\w+.*?\bAS\b
        | (?-i:COPY)\s+[\w."{}]+\s*(?:\([^)]*\)\s*)?(?:FROM|TO)\b
        | (?-i:TRUNCATE)\s+[\w."{}]+\s*(?:$|;|,|CASCADE\b|RESTART\b)
        | (?-i:TABLE)\s+(?:ONLY\s+)?[\w."{}]+\s*(?:$|[;)]|ORDER\b|LIMIT\b|OFFSET\b|FETCH\b|UNION\b|EXCEPT\b)
    )""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
COMMENT: Final = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
UPDATE: Final = re.compile(r"\bUPDATE\b", re.IGNORECASE)
#: Where the clauses of an UPDATE may end; what stands in quotes is no word.
MARKS: Final = re.compile(r"'(?:[^']|'')*'|[();]|\b(?:UPDATE|SET|FROM|WHERE|RETURNING|WHEN)\b", re.IGNORECASE)
#: The clauses that may follow each clause. ``FROM`` behind WHERE is a part of a condition.
FOLLOW: Final = {"UPDATE": {"SET"}, "SET": {"FROM", "WHERE"}, "FROM": {"WHERE"}, "WHERE": set[str]()}
ENDS: Final = frozenset({";", "UPDATE", "RETURNING"})
VALUE: Final = re.compile(r"\([^()]*\)(?!\s*=)")
COLUMN: Final = re.compile(r"(?:^|[,}])\s*(?:\(([^()]*)\)|(?:[\w\"]+\.)?\"?(\w+)\"?)\s*=")


def texts(source: Source) -> Iterator[tuple[ast.expr, str]]:
    """Texts of the code that may be SQL, without SQL's comments."""
    for node, text in source.texts:
        yield node, COMMENT.sub(" ", text) if "--" in text or "/*" in text else text


def updates(text: str) -> Iterator[tuple[set[str], str]]:
    """Each UPDATE in a text: the columns that it sets, and its condition."""
    for update in UPDATE.finditer(text):
        clauses = _clauses(text, update.end())
        if clauses["SET"]:
            yield _columns(clauses["SET"]), clauses["WHERE"]


def _clauses(text: str, start: int) -> dict[str, str]:
    """The clauses of an UPDATE by their words; RETURNING is none, and what stands in brackets stays whole."""
    found = dict.fromkeys(FOLLOW, "")
    clause, depth, end = "UPDATE", 0, len(text)
    for mark in MARKS.finditer(text, start):
        word = mark[0].upper()
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth < 0 or (
            depth == 0 and (word in ENDS or (word == "WHEN" and not _in_case(text[start : mark.start()])))
        ):
            end = mark.start()
            break
        if depth == 0 and word in FOLLOW[clause]:
            found[clause], clause, start = text[start : mark.start()], word, mark.end()
    found[clause] = text[start:end]
    return found


def _in_case(text: str) -> bool:
    """Whether a WHEN behind this text is one of a CASE, not of a MERGE."""
    words = [word.upper() for word in re.findall(r"\w+", text)]
    return words.count("CASE") > words.count("END")


def _columns(assignments: str) -> set[str]:
    """The columns left of the equals signs: ``a = …``, ``"a" = …`` and ``(a, b) = …`` alike."""
    while VALUE.search(assignments):  # ends: every round takes brackets away
        assignments = VALUE.sub(" ", assignments)
    found = COLUMN.findall(assignments)
    return {name.strip(' "').lower() for several, one in found for name in (several.split(",") if several else [one])}


def builder(source: Source, call: ast.Call) -> str:
    """Which statement a call begins: ``update(t)`` under whatever name, or a table's own ``t.update()``; else empty.

    A dict's or set's ``update`` has arguments; a table's has none.
    """
    package, _, name = source.full_name(call.func).rpartition(".")
    if name in BUILDERS and package.partition(".")[0] == "sqlalchemy":
        return name
    own = call.func.attr if isinstance(call.func, ast.Attribute) and not (call.args or call.keywords) else ""
    return own if own in BUILDERS else ""


def chain(source: Source, node: ast.expr, seen: frozenset[str] = frozenset()) -> list[ast.Call]:
    """The calls of a statement from its last to its builder, also where it was kept under a name on the way."""
    calls: list[ast.Call] = []
    while True:  # ends at the head of the chain: every step goes one call or attribute inwards
        if isinstance(node, ast.Call):
            calls.append(node)
            node = node.func
        elif isinstance(node, ast.Attribute):
            node = node.value
        else:
            break
    if isinstance(node, ast.Name) and node.id not in seen:
        for value in source.values_of(node):
            calls += chain(source, value, seen | {node.id})
    return calls
