"""``python tools/lawcheck``: prints what breaks a law and ends with 1 where anything does."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from lawcheck.rules import RULES, check_tree, files_of  # noqa: E402  the path must be set first


def main() -> int:
    """Check the checkout this tool stands in."""
    root = HERE.parent.parent
    findings = check_tree(root)
    for finding in findings:
        print(finding)
    print(f"{len(list(files_of(root)))} files, {len(RULES)} rules, {len(findings)} findings", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
