"""Imports stand where the import contracts see them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from lawcheck.source import Source, dotted

#: The commands load what they need when they are called, the app its migrations when it has some to run, and the
#: extraction of texts every module there is. All three stand above every floor.
LOADERS: Final = frozenset(
    {"src/hutong/cli/__init__.py", "src/hutong/app.py", "src/hutong/web/i18n/extraction.py"}
)  # fmt: skip
BY_NAME: Final = ("import_module", "__import__")


def in_sight(source: Source) -> Iterator[tuple[int, str]]:
    """No module is imported by its name as text: the contracts would not know of it."""
    if not source.place.startswith("src/") or source.place in LOADERS:
        return
    for node in source.nodes:
        if isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] in BY_NAME:
            yield node.lineno, f"{dotted(node.func)}(…) hides an import from the import contracts"
