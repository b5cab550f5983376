"""Schedules: from which click on an app lets a destination's scheme through, and how. From a file or made at random."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

import msgspec
import yaml

from hutong.core.errors import ErrorText, HutongError
from hutong_sandbox.apps.habits import OPENS, PASSING, PHONES, TAP, VERDICTS, all_apps

FILE_BYTES_MAX: Final = 256 * 1024
CELLS_MAX: Final = 200
#: Changes of one cell, and the clicks of all its phases.
CHANGES_MAX: Final = 20
CLICKS_MAX: Final = 20_000
#: A phase must be longer than the router may take, or nothing is seen of what comes after.
PHASE_CLICKS_MIN: Final = 240
#: Of random schedules: the clicks of a phase are drawn from here.
PHASE_CLICKS: Final = (260, 320)
_CELL_KEYS: Final = frozenset({"app", "system", "to", "changes"})
_CHANGE_KEYS: Final = frozenset({"from_click", "does"})


class ScheduleBroken(HutongError):
    """A schedule cannot be used; nothing of the file is."""

    code = "sandbox_schedule_broken"
    status = 400
    zh = ErrorText("时间表 {file} 第 {line} 行：{reason}。", "这一处不符合时间表的规则。", "请改正这一行。")
    en = ErrorText(
        "Schedule {file}, line {line}: {reason}.", "What stands there breaks a rule of schedules.", "Correct that line."
    )


class Change(msgspec.Struct, frozen=True):
    """From this click on the app does this."""

    from_click: int
    does: str


class CellSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """One app on one system and one destination."""

    app: str
    system: str
    to: str
    changes: tuple[Change, ...]

    def does(self, click: int) -> str:
        """What holds for a click."""
        return [change.does for change in self.changes if change.from_click <= click][-1]

    def phases(self, clicks: int) -> list[tuple[int, int, str]]:
        """First click, the click after the last, and what the app does between, as far as ``clicks`` go."""
        ends = [*(change.from_click for change in self.changes[1:]), clicks]
        return [
            (change.from_click, min(end, clicks), change.does)
            for change, end in zip(self.changes, ends, strict=True)
            if change.from_click < clicks
        ]


def read_schedule(file: Path) -> tuple[CellSchedule, ...]:
    """The schedules of a file.

    Raises:
        ScheduleBroken: with file, line and reason.
    """
    reader = _Reader(file.name)
    try:
        raw = file.read_bytes()
        if len(raw) > FILE_BYTES_MAX:
            reader.fail(None, f"larger than {FILE_BYTES_MAX} bytes")
        root = yaml.compose(raw.decode("utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        reader.fail(None, error.strerror or str(error))
    except yaml.MarkedYAMLError as error:
        reader.fail_at(error.problem_mark.line + 1 if error.problem_mark else 1, f"not valid YAML: {error.problem}")
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reader.fail(None, f"not valid YAML: {type(error).__name__}")
    if root is None:
        reader.fail(None, "no schedule")
    cells = tuple(reader.cell(node) for node in reader.items(root))
    if not 1 <= len(cells) <= CELLS_MAX:
        reader.fail(root, f"1 to {CELLS_MAX} schedules are expected")
    seen: set[tuple[str, str, str]] = set()
    for cell, node in zip(cells, reader.items(root), strict=True):
        key = (cell.app, cell.system, cell.to)
        if key in seen:
            reader.fail(node, f"{cell.app}, {cell.system}, {cell.to} stand here twice")
        seen.add(key)
    return cells


class _Reader:
    def __init__(self, file: str) -> None:
        self._file = file

    def fail_at(self, line: int, reason: str) -> NoReturn:
        raise ScheduleBroken(file=self._file, line=line, reason=reason)

    def fail(self, node: yaml.Node | None, reason: str) -> NoReturn:
        self.fail_at(1 if node is None else node.start_mark.line + 1, reason)

    def items(self, node: yaml.Node) -> list[yaml.Node]:
        if not isinstance(node, yaml.SequenceNode):
            self.fail(node, "a list is expected here")
        return list(node.value)

    def table(self, node: yaml.Node, keys: frozenset[str]) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            self.fail(node, "a mapping is expected here")
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = self.word(key)
            if name not in keys:
                self.fail(key, f"unknown key “{name}”")
            if name in found:
                self.fail(key, f"“{name}” stands here twice")
            found[name] = value
        for name in sorted(keys - found.keys()):
            self.fail(node, f"“{name}” is missing")
        return found

    def word(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            self.fail(node, "a word is expected here")
        return str(node.value)

    def one_of(self, node: yaml.Node, allowed: Sequence[str]) -> str:
        word = self.word(node)
        if word not in allowed:
            self.fail(node, f"“{word[:60]}” is none of {', '.join(allowed)}")
        return word

    def cell(self, node: yaml.Node) -> CellSchedule:
        parts, apps = self.table(node, _CELL_KEYS), all_apps()
        app = apps.apps[self.one_of(parts["app"], sorted(apps.apps))]
        system = self.one_of(parts["system"], sorted(PHONES & app.agents.keys()))
        to = self.one_of(parts["to"], sorted(apps.schemes))
        changes = [(self.change(item), item) for item in self.items(parts["changes"])]
        if not 1 <= len(changes) <= CHANGES_MAX:
            self.fail(parts["changes"], f"1 to {CHANGES_MAX} changes are expected")
        if changes[0][0].from_click != 0:
            self.fail(changes[0][1], "the first change holds from click 0 on")
        for (before, _), (after, item) in itertools.pairwise(changes):
            if after.from_click < before.from_click + PHASE_CLICKS_MIN:
                self.fail(item, f"a phase has at least {PHASE_CLICKS_MIN} clicks")
        return CellSchedule(app=app.name, system=system, to=to, changes=tuple(change for change, _ in changes))

    def change(self, node: yaml.Node) -> Change:
        parts = self.table(node, _CHANGE_KEYS)
        click = self.word(parts["from_click"])
        if not (click.isascii() and click.isdigit() and int(click) < CLICKS_MAX):
            self.fail(parts["from_click"], f"a click from 0 to {CLICKS_MAX - 1} is expected, not “{click[:60]}”")
        return Change(int(click), self.one_of(parts["does"], VERDICTS))


def random_schedules(seed: int, count: int, phases: int, apart_from: Sequence[CellSchedule] = ()) -> list[CellSchedule]:
    """Schedules that nobody wrote down, each for another cell; from phase to phase a wall opens or closes."""
    chance = random.Random(f"schedules {seed}")  # noqa: S311 (a test's)
    taken = {(cell.app, cell.system, cell.to) for cell in apart_from}
    free = [key for key in all_apps().moving() if key not in taken]
    return [_random_cell(chance, key, phases) for key in chance.sample(free, min(count, len(free)))]


def _random_cell(chance: random.Random, key: tuple[str, str, str], phases: int) -> CellSchedule:
    walls = [verdict for verdict in VERDICTS if verdict not in (*PASSING, TAP)]
    does = chance.choice([OPENS, *walls])
    at, changes = 0, [Change(0, does)]
    for _ in range(phases - 1):
        at += chance.randint(*PHASE_CLICKS)
        does = chance.choice(walls if does in PASSING else sorted(PASSING))
        changes.append(Change(at, does))
    return CellSchedule(app=key[0], system=key[1], to=key[2], changes=tuple(changes))
