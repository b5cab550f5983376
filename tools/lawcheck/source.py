"""A parsed file, what a rule finds in it, and the comments that set a rule aside."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ALLOW = re.compile(r"#\s*law: allow (?P<rules>[a-z-]+(?:, ?[a-z-]+)*) because (?P<reason>\S.{9,})")


@dataclass(frozen=True)
class Finding:
    """A line that breaks a law."""

    rule: str
    place: str  # path from the root of the checkout
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.place}:{self.line}: {self.rule}: {self.text}"


@dataclass(frozen=True)
class Source:
    """One Python file. ``place`` is its path from the root of the checkout, with forward slashes."""

    place: str
    text: str

    @classmethod
    def read(cls, root: Path, file: Path) -> Source:
        """A file of the checkout."""
        return cls(file.relative_to(root).as_posix(), file.read_text(encoding="utf-8"))

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text, self.place)

    @cached_property
    def lines(self) -> list[str]:
        """The lines, without their ends."""
        return self.text.splitlines()

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the tree, once for all rules."""
        return list(ast.walk(self.tree))

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """The node that holds each node."""
        return {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}

    @cached_property
    def imported(self) -> dict[str, str]:
        """Full names of what is imported, by local name: ``sa`` → ``sqlalchemy``, ``u`` → ``sqlalchemy.update``."""
        names: dict[str, str] = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    local = alias.asname or alias.name.partition(".")[0]
                    names[local] = alias.name if alias.asname else local
            elif isinstance(node, ast.ImportFrom):
                names.update({alias.asname or alias.name: f"{node.module or ''}.{alias.name}" for alias in node.names})
        return names

    def full_name(self, node: ast.expr) -> str:
        """``sqlalchemy.update`` for whatever name it was imported under; empty for what is no chain of names."""
        head, dot, rest = dotted(node).partition(".")
        return f"{self.imported.get(head, head)}{dot}{rest}"

    @cached_property
    def _assigned(self) -> dict[tuple[ast.AST | None, str], list[ast.expr]]:
        """What names are set to, by the function that does it (None: the module) and the name."""
        found: dict[tuple[ast.AST | None, str], list[ast.expr]] = {}
        for node in self.nodes:
            if not isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) or node.value is None:
                continue
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    found.setdefault((self.function_of(node), target.id), []).append(node.value)
        return found

    def values_of(self, name: ast.Name | ast.Attribute) -> list[ast.expr]:
        """What a name is set to where it stands: in its function, else in the module; empty for a parameter.

        ``self.RATE`` is what a class of this file sets it to.
        """
        if isinstance(name, ast.Attribute):
            return self._assigned.get((None, name.attr), []) if dotted(name.value) in ("self", "cls") else []
        mine = self._assigned.get((self.function_of(name), name.id))
        return mine or self._assigned.get((None, name.id), [])

    @cached_property
    def texts(self) -> list[tuple[ast.expr, str]]:
        """Every text of the code but its docstrings; what is put together (f-string, ``+``, join) once and whole."""
        return [
            (node, text)
            for node in self.nodes
            if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp | ast.Call)
            and not isinstance(holder := self.parents[node], ast.JoinedStr | ast.Expr)
            and not _joins(holder)
            and not _joined_parts(self.parents.get(holder))
            and (text := self.text_of(node)) is not None
        ]

    def text_of(self, node: ast.expr) -> str | None:
        """A text as far as this file tells it, with ``{}`` where unknown values go; None for what is no text."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.JoinedStr):
            return "".join(self._part_of(part) for part in node.values)
        if isinstance(node, ast.BinOp) and _joins(node):
            sides = (self.text_of(node.left), self.text_of(node.right))
            return None if sides == (None, None) else self._part_of(node.left) + self._part_of(node.right)
        if parts := _joined_parts(node):
            return " ".join(map(self._part_of, parts))
        return None

    def _part_of(self, node: ast.expr) -> str:
        """What a part adds to a text: also the text that a name was set to, where it is one text alone."""
        part = node.value if isinstance(node, ast.FormattedValue) else node
        known = self.values_of(part) if isinstance(part, ast.Name) else []
        text = string_of(known[0]) if len(known) == 1 else self.text_of(part)
        return "{}" if text is None else text

    def room(self) -> str:
        """The room of the house: ``payments`` for src/hutong/payments/service.py, ``app`` for src/hutong/app.py."""
        parts = self.place.split("/")
        if parts[:2] != ["src", "hutong"] or len(parts) < 3:
            return ""
        return parts[2].removesuffix(".py")

    def function_of(self, node: ast.AST) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """The innermost function that holds a node."""
        at: ast.AST | None = self.parents.get(node)
        while at is not None and not isinstance(at, ast.FunctionDef | ast.AsyncFunctionDef):
            at = self.parents.get(at)
        return at

    def allowed(self, line: int) -> set[str]:
        """The rules that a comment sets aside for a line."""
        found: set[str] = set()
        for number in (line - 1, line):
            match = ALLOW.search(self.lines[number - 1]) if 1 <= number <= len(self.lines) else None
            # The comment above counts only when it stands alone: otherwise it belongs to its own line.
            if match and (number == line or self.lines[number - 1].lstrip().startswith("#")):
                found.update(rule.strip() for rule in match["rules"].split(","))
        return found


Rule = Callable[[Source], Iterator[tuple[int, str]]]


def apply(rules: dict[str, Rule], source: Source) -> list[Finding]:
    """What the rules find in a file, without what its comments allow."""
    found = [
        Finding(name, source.place, line, text)
        for name, rule in rules.items()
        for line, text in rule(source)
        if name not in source.allowed(line)
    ]
    return sorted(found, key=lambda finding: (finding.line, finding.rule))


def dotted(node: ast.expr) -> str:
    """``a.b.c`` of a chain of names; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def string_of(node: ast.expr) -> str | None:
    """The text of a string or f-string, with ``{}`` where values go; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def _joins(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add)


def _joined_parts(node: ast.AST | None) -> list[ast.expr]:
    """The parts of ``" ".join([…])``; empty for any other call."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "join"):
        return []
    given = node.args[0] if isinstance(node.func.value, ast.Constant) and node.args else None
    return given.elts if isinstance(given, ast.List | ast.Tuple) else []
