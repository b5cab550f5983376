"""What commands print: results on standard output, progress and errors on standard error."""

from __future__ import annotations

import os
from typing import Any

import click
import msgspec

from hutong.core.errors import HutongError


def print_json(value: Any) -> None:  # noqa: ANN401 (whatever msgspec can write)
    """One JSON line on standard output."""
    click.echo(msgspec.json.encode(value).decode())


def progress(text: str) -> None:
    """A line for the person who waits."""
    click.echo(text, err=True)


def tell_error(error: HutongError) -> None:
    """Sentence, cause and fix, in the terminal's language and, where that is not Chinese, in English."""
    language = os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    text = error.text("zh-Hans" if language.startswith("zh") else "en")
    for line in (text.sentence, text.cause, text.fix):
        click.echo(line, err=True)
