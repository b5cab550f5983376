"""The import contracts are kept by the tree, and each refuses the import it was written against."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FLOORS = "Imports point down only"
INDEPENDENT = "A connector knows no other connector"
PROTECTED = "Connectors are reached through the registry only"
NO_SANDBOX = "Production never imports the sandbox"
ORACLE = "The sandbox uses only core and crypto of the house"
PURE_CORE = "Core does no I/O"
PURE_CRYPTO = "Crypto knows nothing but core and cryptography"
STATELESS = "Connectors open no line and no store"

# (contract that must refuse it, planted module, the import that it holds)
PLANTED = [
    (FLOORS, "hutong.core.planted", "hutong.crypto"),
    (FLOORS, "hutong.db.planted", "hutong.platforms"),
    (FLOORS, "hutong.transport.planted", "hutong.db"),
    (FLOORS, "hutong.platforms.planted", "hutong.merchants"),
    (FLOORS, "hutong.merchants.planted", "hutong.payments"),
    (FLOORS, "hutong.payments.planted", "hutong.ledger"),
    (FLOORS, "hutong.links.planted", "hutong.customers"),
    (FLOORS, "hutong.shops.planted", "hutong.events"),
    (FLOORS, "hutong.analytics.planted", "hutong.workflows"),
    (FLOORS, "hutong.workflows.planted", "hutong.web"),
    (FLOORS, "hutong.web.planted", "hutong.edge"),
    (FLOORS, "hutong.connectors.alpha.planted", "hutong.payments"),
    (INDEPENDENT, "hutong.connectors.alpha.sibling", "hutong.connectors.beta"),
    (PROTECTED, "hutong.workflows.by_name", "hutong.connectors.alpha"),
    (PROTECTED, "hutong.web.by_name", "hutong.connectors.beta"),
    (NO_SANDBOX, "hutong.payments.peeks", "hutong_sandbox"),
    (ORACLE, "hutong_sandbox.planted", "hutong.platforms.payments"),
    (ORACLE, "hutong_sandbox.copies", "hutong.connectors.alpha"),
    (PURE_CORE, "hutong.core.waits", "asyncio"),
    (PURE_CORE, "hutong.core.reads", "pathlib"),
    (PURE_CORE, "hutong.core.ticks", "time"),
    (PURE_CORE, "hutong.core.asks", "httpx"),
    (PURE_CRYPTO, "hutong.crypto.dials", "socket"),
    (PURE_CRYPTO, "hutong.crypto.spells", "json"),
    (STATELESS, "hutong.connectors.alpha.dials", "httpx"),
    (STATELESS, "hutong.connectors.alpha.stores", "sqlalchemy"),
]


def lint(tree: Path) -> str:
    """What the linter says of a copy of the checkout."""
    env = {**os.environ, "PYTHONPATH": str(tree / "src"), "NO_COLOR": "1", "COLUMNS": "200"}
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True, check=False, timeout=120)
    return done.stdout + done.stderr


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the source tree and of the contracts."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "assets", "*.sql"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def plant(tree: Path, module: str, imported: str) -> None:
    """Write a module that holds one import, and the packages around both."""
    for name in (module.rpartition(".")[0], imported):
        folder = tree / "src" / Path(*name.split("."))
        if name.startswith("hutong") and not folder.with_suffix(".py").exists():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "__init__.py").touch()
    (tree / "src" / Path(*module.split("."))).with_suffix(".py").write_text(f"import {imported}\n", encoding="utf-8")


def complaints(said: str) -> dict[str, str]:
    """The linter's words on each broken contract, by the contract's name."""
    _, _, broken = said.partition("Broken contracts")
    parts = re.split(r"^([^\n]+)\n-{3,}\n", broken, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=False))


def test_the_tree_keeps_every_contract(tree):
    said = lint(tree)
    assert " 0 broken" in said, said


def test_each_contract_refuses_the_import_it_was_written_against(tree):
    for _, module, imported in PLANTED:
        plant(tree, module, imported)
    found = complaints(lint(tree))
    missed = [
        (contract, module, imported)
        for contract, module, imported in PLANTED
        if module not in found.get(contract, "") or imported not in found.get(contract, "")
    ]
    assert not missed
    assert set(found) == {contract for contract, _, _ in PLANTED}


def test_every_contract_of_the_project_is_planted_against(tree):
    names = re.findall(r'^name = "(.+)"$', (tree / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert {contract for contract, _, _ in PLANTED} == {name for name in names if name != "hutong"}


def test_a_room_on_no_floor_is_refused(tree):
    room = tree / "src" / "hutong" / "cellar"
    room.mkdir()
    (room / "__init__.py").touch()
    said = lint(tree)
    assert "cellar" in said
    assert " 0 broken" not in said


def test_a_lawful_import_is_not_refused(tree):
    plant(tree, "hutong.workflows.lawful", "hutong.payments")
    plant(tree, "hutong.payments.lawful", "hutong.platforms")
    assert "lawful" not in lint(tree)
