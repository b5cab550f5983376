"""Writes the reference pages that the code itself can tell: settings, commands, events, capabilities, errors.

``python tools/reference.py`` writes them; with ``--check`` it only says which pages differ and ends with 1. They are
committed, so that they can be read without running anything; tests/docs fails when one is out of date.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import pkgutil
import re
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import click

import hutong
from hutong.cli import commands
from hutong.config import KEYS
from hutong.core.errors import HutongError
from hutong.core.events import Event
from hutong.events import CATALOGUE
from hutong.platforms.contract import OPERATIONS, Connector
from hutong.platforms.registry import Registry
from hutong.webhooks.public import BY_EVENT
from hutong_sandbox.cli import main as sandbox

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = ROOT / "docs" / "reference"
NOTE: Final = "<!-- Written by `make docs` from the code. Edit the code, not this page. -->"
PROOF_WORDS: Final = {
    "simulated": "our simulator answers in the platform's wire format",
    "judged": "an outside client, unmodified, agreed with our simulator on all of it: signatures, envelopes, arguments",
    "file-tested": "read from files as the platform exports them",
    "live-tested": "done against the real platform",
    "unverified": "written from memory or second-hand documents; no document or outside client confirms it",
}


def main() -> int:
    """Write the pages, or check that they are written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check: bool = parser.parse_args().check
    stale = []
    for name, page in PAGES.items():
        text = page()
        file = FOLDER / name
        if file.exists() and file.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not check:
            file.write_text(text, encoding="utf-8")
    print(f"{len(PAGES)} pages, {len(stale)} {'out of date' if check else 'written'}: {', '.join(stale) or '-'}")
    return 1 if check and stale else 0


def settings_page() -> str:
    """Every key of the settings."""
    lines = [
        "# Settings 设置",
        "",
        "Read once at start: environment over `hutong.toml` in the data directory over defaults. An unknown key in the",
        "file refuses to start and is named.",
        "",
        "| variable | in `hutong.toml` | meaning |",
        "| --- | --- | --- |",
    ]
    lines += [f"| `{key.variable}` | {f'`{key.name}`' if key.name else '–'} | {_cell(key.meaning)} |" for key in KEYS]
    return _page(lines)


def commands_page() -> str:
    """Every command with its help text."""
    lines = ["# Commands 命令", "", "Each command exits with a code other than 0 on failure."]
    for program, root in (("hutong", commands), ("hutong-sandbox", sandbox)):
        lines += _help(program, root, None, 2)
    return _page(lines)


def events_page() -> str:
    """Every event with its fields."""
    lines = [
        "# Events 事件",
        "",
        "What the domains say happened. An event is stored with its name, version and JSON bytes in the transaction of",
        "the change it tells of; reactions, figures and webhooks are fed by these records, at least once. Those with a",
        "name for the outside are told to the merchant's systems ([how](../howto/hear-events.md)); a field that is not",
        "told is marked.",
    ]
    for record in CATALOGUE.classes():
        public = BY_EVENT.get(record.name)
        lines += ["", f"## `{record.name}` v{record.version}", "", inspect.getdoc(record) or "", ""]
        lines += ["Not told outside.", ""] if public is None else [f"Told outside as `{public.name}`.", ""]
        lines += ["| field | type |", "| --- | --- |"]
        for name in record.__struct_fields__:
            kept = ", not told" if public is not None and name in public.without else ""
            lines.append(f"| `{name}` | `{_type(record, name)}`{kept} |")
    return _page(lines)


def _judges(connector: Connector, capability: str) -> str:
    """Who agreed, and on which operations where it was not on all of them."""
    judged = connector.judged_operations(capability)
    names = ", ".join(connector.judges(capability))
    open_ones = [name for name in OPERATIONS[capability] if name not in judged]
    return names if not judged or not open_ones else f"{names}: {', '.join(judged)}; not {', '.join(open_ones)}"


def capabilities_page() -> str:
    """Every connector with what it can do and how far that is proved."""
    lines = ["# Platforms and what is proved 平台与验证程度", "", "| word | what it says |", "| --- | --- |"]
    lines += [f"| `{word}` | {meaning} |" for word, meaning in PROOF_WORDS.items()]
    lines += ["", "| platform | capability | proof | judged by |", "| --- | --- | --- | --- |"]
    connectors = [found for found in Registry.from_entry_points().all() if _is_ours(found)]
    for connector in connectors:
        for capability in connector.capabilities():
            proof = connector.proofs[capability]
            lines.append(
                f"| {connector.title_zh} {connector.title_en} (`{connector.name}`) | {capability} | `{proof}` |"
                f" {_judges(connector, capability)} |"
            )
    for connector in connectors:
        fields = [
            f"`{name}`{' (secret)' if name in connector.secret_fields else ''}" for name in connector.credential_fields
        ]
        pace = connector.rate_limit
        lines += [
            "",
            f"## {connector.title_zh} {connector.title_en} `{connector.name}`",
            "",
            f"- amounts on the wire: {connector.amount_format.value}",
            f"- our pace for one account: at most {pace.calls} calls in {pace.seconds} s",
            f"- credentials: {', '.join(fields) or 'none'}",
        ]
    return _page(lines)


def errors_page() -> str:
    """Every error code with its sentences."""
    lines = [
        "# Errors 错误",
        "",
        "The API answers `application/problem+json` with these codes; commands print the same sentences.",
        "",
        "| code | status | 中文 | English |",
        "| --- | --- | --- | --- |",
    ]
    for cls in sorted(set(_errors()), key=lambda cls: (cls.code, cls.__name__)):
        zh, en = (f"{text.sentence} {text.fix}" for text in (cls.zh, cls.en))
        lines.append(f"| `{cls.code}` | {cls.status} | {_cell(zh)} | {_cell(en)} |")
    return _page(lines)


PAGES: Final[dict[str, Callable[[], str]]] = {
    "settings.md": settings_page,
    "commands.md": commands_page,
    "events.md": events_page,
    "capabilities.md": capabilities_page,
    "errors.md": errors_page,
}


def _help(path: str, command: click.Command, parent: click.Context | None, depth: int) -> Iterator[str]:
    """The help of a command and of those below it."""
    context = click.Context(
        command, info_name=path.rpartition(" ")[2], parent=parent, terminal_width=100, max_content_width=100
    )
    yield from ["", f"{'#' * depth} `{path}`", "", "```text", command.get_help(context).rstrip(), "```"]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                yield from _help(f"{path} {name}", child, context, min(depth + 1, 4))


def _errors() -> Iterator[type[HutongError]]:
    """Every error class of the house."""
    for module in pkgutil.walk_packages(hutong.__path__, "hutong."):
        if not module.name.endswith("__main__") and ".migrations." not in module.name:
            importlib.import_module(module.name)
    waiting = [HutongError]
    while waiting:
        cls = waiting.pop()
        waiting.extend(cls.__subclasses__())
        if cls.__module__.startswith("hutong."):
            yield cls


def _is_ours(connector: Connector) -> bool:
    """Whether a connector is one of the built-in ones (others may be installed beside them)."""
    folder = connector.name.removesuffix("_alliance")  # an alliance stands in its platform's folder
    return (ROOT / "src" / "hutong" / "connectors" / folder).is_dir()


def _type(record: type[Event], name: str) -> str:
    """The type of a field as it reads on the wire."""
    found = typing.get_type_hints(record)[name]
    text = found.__name__ if isinstance(found, type) and not typing.get_args(found) else str(found)
    return re.sub(r"\b[a-z_]+(?:\.[a-z_]+)*\.(?=\w)", "", text).replace("|", "\\|")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _page(lines: list[str]) -> str:
    return "\n".join([NOTE, *lines]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
