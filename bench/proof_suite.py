"""Proof: the tests that `make test` shows a sample of only, all of them.

``make test`` must end within twenty minutes on two cores; what takes more of what it has shown already is marked
``long`` and runs here, together with the sample's files, with no limit on the whole.

    python bench/proof_suite.py

One JSON object a line; exit code 1 when a test failed or none was marked.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
#: A browser's tests leave an event loop running: they have a process of their own (``tools/check.py``).
PARTS: Final = {"tests": ["tests", "--ignore=tests/browser"], "pages": ["tests/browser"]}
TESTS_MIN: Final = {"tests": 100, "pages": 120}


def run(part: str, report: Path) -> dict[str, int]:
    """Run a part's long tests; how many ran, failed and were skipped."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "long", "-n", "2", "--dist", "loadfile"]
    told = os.environ | {"HUTONG_TEST_LONG": "1"}
    subprocess.run([*command, f"--junitxml={report}", *PARTS[part]], cwd=ROOT, env=told, stdout=sys.stderr, check=False)
    suite = next(ET.parse(report).getroot().iter("testsuite"))  # our own pytest wrote it a moment ago
    return {word: int(suite.get(word, "0")) for word in ("tests", "failures", "errors", "skipped")}


def main() -> int:
    """0 when every long test ran and passed."""
    passed = True
    with TemporaryDirectory() as folder:
        for part, fewest in TESTS_MIN.items():
            began = time.monotonic()
            counts = run(part, Path(folder) / f"{part}.xml")
            ok = counts["tests"] >= fewest and not any(counts[word] for word in ("failures", "errors", "skipped"))
            line = {"proof": "suite", "part": part, **counts, "seconds": round(time.monotonic() - began, 1), "ok": ok}
            print(json.dumps(line), flush=True)
            passed = passed and ok
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
