"""Every rule in the documents names the check that enforces it, and that check exists."""

import re
import tomllib
from pathlib import Path

import pytest
from lawcheck.rules import RULES

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = {contract["id"] for contract in PROJECT["tool"]["importlinter"]["contracts"]}
ENFORCED = re.compile(r"^Enforced by:((?:.|\n(?!\n))*)", re.MULTILINE)
DECISIONS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))[1:]
PARTS = ("Context", "Decision", "Consequences", "Alternatives", "Enforced by")


def checks_of(text: str) -> list[str]:
    """The checks that a page names after "Enforced by:"."""
    return [check for match in ENFORCED.finditer(text) for check in re.findall(r"`([^`]+)`", match[1])]


def exists(check: str) -> bool:
    """Whether a named check is there."""
    kind, _, name = check.partition(": ")
    if kind == "lint":
        return name in RULES
    if kind == "contract":
        return name in CONTRACTS
    if kind == "ruff":
        return any(name.startswith(code) for code in PROJECT["tool"]["ruff"]["lint"]["select"])
    path, _, test = check.partition("::")
    file = ROOT / path
    if test:
        return (
            file.is_file()
            and re.search(rf"^ *(?:async )?def {re.escape(test)}\b", file.read_text("utf-8"), re.MULTILINE) is not None
        )
    return file.is_file() or any(file.rglob("test_*.py"))


CHECKS = [(page.relative_to(ROOT).as_posix(), check) for page in PAGES for check in checks_of(page.read_text("utf-8"))]


@pytest.mark.parametrize(("page", "check"), CHECKS)
def test_a_named_check_exists(page, check):
    assert exists(check), f"{page} names {check}"


def test_a_check_that_is_not_there_is_noticed():
    here = "tests/docs/test_rules.py"
    assert exists(f"{here}::test_a_named_check_exists")
    for missing in (f"{here}::test_nothing", "tests/nowhere.py", "lint: nothing", "contract: nothing", "ruff: XYZ1"):
        assert not exists(missing)


def test_every_law_names_its_check():
    text = (ROOT / "docs/reference/laws.md").read_text("utf-8")
    laws, _, _ = text.partition("## Not enforced by a machine yet")
    found = re.findall(r"^\*\*(.+)\*\*\n(.*)$", laws, re.MULTILINE)
    assert len(found) > 20
    assert [law for law, after in found if not after.startswith("Enforced by: `")] == []


def test_every_rule_of_the_linter_and_every_contract_is_a_law():
    named = set(checks_of((ROOT / "docs/reference/laws.md").read_text("utf-8")))
    assert {f"lint: {rule}" for rule in RULES} <= named
    assert {f"contract: {contract}" for contract in CONTRACTS} <= named


@pytest.mark.parametrize("page", DECISIONS, ids=[page.stem for page in DECISIONS])
def test_a_decision_has_its_parts_and_one_quotable_sentence(page):
    text = page.read_text("utf-8")
    assert tuple(re.findall(r"^## (.+)$", text, re.MULTILINE)) == PARTS
    quoted = re.findall(r"^> (.+)$", text, re.MULTILINE)
    assert len(quoted) == 1
    assert checks_of(text)
    assert quoted[0] in (ROOT / "docs/adr/README.md").read_text("utf-8")
