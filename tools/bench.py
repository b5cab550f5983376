"""Runs benchmarks and proofs by name. A name whose script does not exist says so and ends with exit code 2.

Scripts stand in ``bench/NAME.py`` and print one JSON object a line on standard output.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
NOT_BUILT: Final = 2
#: What shells add to the number of the signal that ended a program: one that was stopped proved nothing.
BY_SIGNAL: Final = 128


def main() -> int:
    """Run every named script that exists; the exit code is the worst of theirs, 2 where nothing could run."""
    names = sys.argv[1:]
    scripts = {name: ROOT / "bench" / f"{name}.py" for name in names if name.replace("_", "").isalnum()}
    missing = [name for name in names if name not in scripts or not scripts[name].is_file()]
    for name in missing:
        print(f"{name.replace('_', '-')}: not built yet (no bench/{name}.py)", file=sys.stderr)
    worst = NOT_BUILT if len(missing) == len(names) else 0
    for name, script in scripts.items():
        if name not in missing:
            print(f"[bench] {name}", file=sys.stderr, flush=True)
            code = subprocess.run([sys.executable, str(script)], cwd=ROOT, check=False).returncode
            worst = max(worst, code if code >= 0 else BY_SIGNAL - code)
    return worst


if __name__ == "__main__":
    raise SystemExit(main())
