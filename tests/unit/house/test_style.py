"""The habits that ruff and mypy hold for us really are switched on: each planted lapse is refused."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent

LAPSES = [
    ("PLC0415", "def f() -> None:\n    import json\n    json.dumps(1)\n", "a function-level import"),
    ("T201", 'print("hello")\n', "a print"),
    ("D103", "def public() -> None:\n    return None\n", "a public function without a docstring"),
    ("D101", "class Public:\n    pass\n", "a public class without a docstring"),
    ("D100", "x = 1\n", "a module without a docstring"),
    ("DTZ005", "from datetime import datetime\n\nnow = datetime.now()\n", "a naive time"),
    ("BLE001", "try:\n    pass\nexcept Exception:\n    pass\n", "a blind except"),
    ("S608", 'def f(t: str) -> str:\n    return f"SELECT * FROM x WHERE y = {t}"\n', "SQL built from values"),
    ("ANN001", "def f(x) -> None:\n    return None\n", "an argument without a type"),
    ("ERA001", "# x = compute(y)\n", "code left behind in a comment"),
    ("PTH123", 'open("x")\n', "a path as text"),
]


@pytest.mark.parametrize(("code", "text", "what"), LAPSES, ids=[lapse[2] for lapse in LAPSES])
def test_ruff_refuses(code, text, what):
    command = [str(BIN / "ruff"), "check", "--quiet", "--output-format=concise", "--stdin-filename"]
    place = str(ROOT / "src" / "hutong" / "planted.py")
    done = subprocess.run([*command, place, "-"], input=text, capture_output=True, text=True, cwd=ROOT, check=False)
    assert code in done.stdout, what


def test_mypy_is_strict(tmp_path):
    planted = tmp_path / "planted.py"
    planted.write_text("def f(x):\n    return x\n\n\ny: int = 'text'\nz = 1  # type: ignore\n", encoding="utf-8")
    command = [str(BIN / "mypy"), f"--config-file={ROOT / 'pyproject.toml'}", f"--cache-dir={tmp_path / 'cache'}"]
    done = subprocess.run([*command, str(planted)], capture_output=True, text=True, cwd=ROOT, check=False, timeout=120)
    for word in ("no-untyped-def", "assignment", "unused-ignore"):
        assert word in done.stdout, done.stdout
