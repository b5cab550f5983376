"""Commands whose names are promised and whose work is not built yet; they say so and fail."""

from __future__ import annotations

from typing import Final

import click

from hutong.core.errors import ErrorText, HutongError

OPEN_ARGUMENTS: Final = {"ignore_unknown_options": True, "allow_extra_args": True}


class NotBuilt(HutongError):
    """The command comes in a later release."""

    code = "not_built"
    status = 501
    zh = ErrorText("“hutong {command}” 还没有做好。", "这个版本还不包含它。", "进展见 CHANGELOG.md。")
    en = ErrorText("“hutong {command}” is not built yet.", "This release does not have it.", "See CHANGELOG.md.")


def _unbuilt(name: str, meaning: str) -> click.Command:
    @click.command(name, help=f"{meaning} (not built yet 尚未完成)", context_settings=OPEN_ARGUMENTS)
    def command() -> None:
        raise NotBuilt(command=name)

    return command


storm = _unbuilt("storm", "Simulated heavy trade with faults and kills.")
connector = _unbuilt("connector", "Scaffold a new connector with simulator and tests.")
backup = _unbuilt("backup", "Copy the home to a file.")
restore = _unbuilt("restore", "Bring a copy back into an empty home.")
mcp = _unbuilt("mcp", "Serve the Model Context Protocol.")
