"""CPU seconds of a process and all its descendants, from /proc."""

from __future__ import annotations

import os
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(root: int) -> dict[str, float]:
    """CPU seconds by name of program, over the tree below ``root``, ended children included."""
    parents: dict[int, int] = {}
    figures: dict[int, tuple[str, float]] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            text = (folder / "stat").read_text()
        except OSError:  # ended meanwhile
            continue
        name, fields = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
        pid = int(folder.name)
        parents[pid] = int(fields[1])
        figures[pid] = (name, sum(int(field) for field in fields[11:15]) / TICKS_PER_S)
    found: dict[str, float] = {}
    for pid, (name, seconds) in figures.items():
        at = pid
        while at not in (0, root):
            at = parents.get(at, 0)
        if at == root:
            found[name] = found.get(name, 0.0) + seconds
    return found
