"""A YAML file as nodes that know their line, so that every fault is told with it.

Nothing is converted: ``on`` and ``off`` stay the words they are, which YAML 1.1 would make booleans of.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NoReturn

import yaml

from hutong.links.jumps.broken import MatrixBroken

#: A matrix has some 20 kB; a file of aliases upon aliases is none.
FILE_BYTES_MAX: Final = 512 * 1024


class Node:
    """A place in the file."""

    def __init__(self, file: str, node: yaml.Node, line: int | None = None) -> None:
        self._file = file
        self._node = node
        self.line: int = _line(node.start_mark) if line is None else line

    def at(self, line: int) -> Node:
        """Another line of the same file."""
        return Node(self._file, self._node, line)

    def is_text(self) -> bool:
        """Whether a word or sentence stands here."""
        return isinstance(self._node, yaml.ScalarNode)

    def fail(self, reason: str, what: str = "") -> NoReturn:
        """Tell what is wrong here.

        Raises:
            MatrixBroken: always.
        """
        raise MatrixBroken(self._file, self.line, reason, what)

    def text(self) -> str:
        """The word or sentence that stands here.

        Raises:
            MatrixBroken: a list or a mapping does.
        """
        if not isinstance(self._node, yaml.ScalarNode):
            self.fail("not_text")
        return str(self._node.value)

    def items(self) -> list[Node]:
        """The entries of a list.

        Raises:
            MatrixBroken: something else stands here.
        """
        if not isinstance(self._node, yaml.SequenceNode):
            self.fail("not_list")
        return [Node(self._file, item) for item in self._node.value]

    def table(self) -> dict[str, Node]:
        """The entries of a mapping.

        Raises:
            MatrixBroken: something else stands here, or a key stands here twice.
        """
        if not isinstance(self._node, yaml.MappingNode):
            self.fail("not_table")
        found: dict[str, Node] = {}
        for key, value in self._node.value:
            name = Node(self._file, key)
            if name.text() in found:
                name.fail("twice", name.text())
            found[name.text()] = Node(self._file, value)
        return found

    def record(self, required: Iterable[str], optional: Iterable[str] = ()) -> dict[str, Node]:
        """A mapping with these keys and no others.

        Raises:
            MatrixBroken: one is missing or unknown.
        """
        found = self.table()
        for name in required:
            if name not in found:
                self.fail("missing", name)
        for name, node in found.items():
            if name not in {*required, *optional}:
                node.fail("unknown_key", name)
        return found

    def one_of(self, allowed: Iterable[str], reason: str) -> str:
        """A word out of these.

        Raises:
            MatrixBroken: another one.
        """
        word = self.text()
        if word not in allowed:
            self.fail(reason, word)
        return word


def _line(mark: Any) -> int:  # noqa: ANN401 (PyYAML has two kinds of marks, and none for some errors)
    return 1 if mark is None else int(mark.line) + 1


def read_yaml(file: str, text: str) -> Node:
    """The root of a file.

    Raises:
        MatrixBroken: no YAML, too large, or with aliases.
    """
    if len(text.encode()) > FILE_BYTES_MAX:
        raise MatrixBroken(file, 1, "too_large", str(FILE_BYTES_MAX))
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise MatrixBroken(file, _line(event.start_mark), "alias", str(event.anchor))
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise MatrixBroken(file, _line(mark), "not_yaml", str(error.problem or "")) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise MatrixBroken(file, 1, "not_yaml", str(error).partition("\n")[0]) from None
    if root is None:
        raise MatrixBroken(file, 1, "missing", "version")
    return Node(file, root)
