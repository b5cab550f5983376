"""Proof: every mistake that is planted in the simulators' signing is noticed by a third-party SDK or an outside vector.

`make test` plants a part of them. One JSON object; exit code 1 when any mistake went unnoticed or was not tried.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = "tests/conformance/judges/test_mutations.py"


def main() -> int:
    """Run all of them; the exit code of the tests, or 1 where any was skipped."""
    with tempfile.TemporaryDirectory(prefix="hutong-judges-") as folder:
        report = Path(folder) / "junit.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", TESTS]
        environment = {**os.environ, "HUTONG_JUDGES": "all"}
        code = subprocess.run(command, cwd=ROOT, env=environment, stdout=sys.stderr, check=False).returncode
        # Our own pytest wrote this file a moment ago.
        suite = next(ET.parse(report).getroot().iter("testsuite"))
    names = [str(case.get("name")) for case in suite.iter("testcase")]
    tried = sum("[" in name and not name.endswith("[]") for name in names)  # "[]" is the simulator as it is
    counts = {word: int(suite.get(word, "0")) for word in ("failures", "errors", "skipped")}
    print(json.dumps({"proof": "judges", "mistakes": tried, **counts}))
    return code or int(counts["skipped"] > 0)


if __name__ == "__main__":
    raise SystemExit(main())
