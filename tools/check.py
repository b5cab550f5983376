"""Runs what must hold, one step after the other, and ends with a summary: what passed, failed, was skipped and why.

``lint`` runs no program of ours; ``test`` also runs every test. A failed step does not hide the steps after it.
Exit code 0 only when every step passed.
"""

from __future__ import annotations

import argparse
import collections
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
BIN: Final = Path(sys.executable).parent
JUNIT: Final = ROOT / ".cache" / "junit.xml"
JUNIT_PAGES: Final = ROOT / ".cache" / "junit-pages.xml"
#: Playwright's synchronous interface leaves an event loop running in its process, where no other test can run one:
#: what drives a browser has processes of its own.
IN_A_BROWSER: Final = ("tests/browser",)
CODE: Final = ("src", "tools", "tests", "bench", "examples")
#: The whole of `make test` stays within this; a suite that takes longer is not run by anybody.
TEST_TIME_MAX_S: Final = 20 * 60
#: What a step that was stopped has for its fixtures to end databases and browsers.
STOP_TIME_MAX_S: Final = 60
#: More workers than this only fight for one database and one browser.
WORKERS_MAX: Final = 4
#: Tests wait a lot, for a clock, a page or a process that starts: one worker more than cores keeps the cores busy.
WORKERS_OVER_CORES: Final = 1
REASONS_SHOWN_MAX: Final = 40


def main() -> int:
    """Run the chosen steps; 0 when all passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["lint", "test"])
    parser.add_argument("pytest_args", nargs="*", help="passed on to pytest")
    chosen, more = parser.parse_known_args()
    started = time.monotonic()
    steps = lint_steps()
    if chosen.what == "test":
        wanted = [*chosen.pytest_args, *more]
        steps["tests"] = pytest_command(JUNIT, [*(f"--ignore={folder}" for folder in IN_A_BROWSER), *wanted])
        if not chosen.pytest_args:
            steps["pages"] = pytest_command(JUNIT_PAGES, [*more, *IN_A_BROWSER])
    JUNIT.parent.mkdir(exist_ok=True)
    for report in (JUNIT, JUNIT_PAGES):
        report.unlink(missing_ok=True)
    results = {name: run_step(name, command, started) for name, command in steps.items()}
    summarise(results, time.monotonic() - started)
    return 0 if all(passed for passed, _ in results.values()) else 1


def lint_steps() -> dict[str, list[str]]:
    """The steps that only read the code."""
    code = [folder for folder in CODE if (ROOT / folder).is_dir()]
    return {
        "style": [str(BIN / "ruff"), "check", "--quiet", *code],
        "format": [str(BIN / "ruff"), "format", "--check", "--quiet", *code],
        "types": [str(BIN / "mypy"), "--no-error-summary", "src", "tools"],
        "import floors": [str(BIN / "lint-imports"), "--no-cache"],
        "laws": [sys.executable, "tools/lawcheck"],
    }


def pytest_command(report: Path, more: list[str]) -> list[str]:
    """Tests, a file at a time on each worker so that costly fixtures are made once for a file.

    Files keep the order of ``tests/conftest.py``, slow ones first; pytest-xdist would begin with those of most tests.
    """
    workers = os.environ.get("HUTONG_TEST_WORKERS") or str(
        max(2, min((os.cpu_count() or 1) + WORKERS_OVER_CORES, WORKERS_MAX))
    )
    command = [str(BIN / "pytest"), "-n", workers, "--dist", "loadfile", "--no-loadscope-reorder"]
    return [*command, f"--junitxml={report}", "-q", "--durations=10", "--durations-min=2", *more]


def run_step(name: str, command: list[str], started: float) -> tuple[bool, float]:
    """Run one step within what is left of the time; its output passes through."""
    print(
        f"\n[{name}] {' '.join(Path(command[0]).name if i == 0 else word for i, word in enumerate(command))}",
        flush=True,
    )
    begun = time.monotonic()
    left_s = TEST_TIME_MAX_S - (begun - started)
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL) as process:
        try:
            code = process.wait(timeout=max(left_s, 1))
        except subprocess.TimeoutExpired:
            print(f"[{name}] stopped: `make test` may take {TEST_TIME_MAX_S // 60} minutes", flush=True)
            code = stop(process)
        except KeyboardInterrupt:
            stop(process)
            raise
    return code == 0, time.monotonic() - begun


def stop(process: subprocess.Popen[bytes]) -> int:
    """End a step as Ctrl-C would, so that pytest still says what failed and its fixtures stop what they started."""
    process.send_signal(signal.SIGINT)
    try:
        return process.wait(timeout=STOP_TIME_MAX_S) or 1
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait() or 1


def summarise(results: dict[str, tuple[bool, float]], seconds: float) -> None:
    """Say what passed and failed, and what was skipped with its reason."""
    print("\n" + "=" * 72)
    for name, (passed, took_s) in results.items():
        print(f"  {'passed' if passed else 'FAILED'}  {name:<14} {took_s:7.1f} s")
    reports = [report for report in (JUNIT, JUNIT_PAGES) if report.exists()]
    if reports:
        counts, skipped = read_junit(reports)
        print("  tests: " + ", ".join(f"{count} {word}" for word, count in counts.items()))
        for reason, count in skipped.most_common(REASONS_SHOWN_MAX):
            print(f"  skipped {count}: {reason}")
        if not skipped:
            print("  skipped: none")
        print("  left to make proof-suite: tests marked long, of which a sample ran here")
    print(f"  {'all passed' if all(p for p, _ in results.values()) else 'NOT all passed'} in {seconds:.0f} s")
    print("=" * 72, flush=True)


def read_junit(reports: list[Path]) -> tuple[dict[str, int], collections.Counter[str]]:
    """The totals of test reports, and how many tests each reason skipped."""
    totals = {"run": 0, "failed": 0, "errors": 0, "skipped": 0}
    reasons: collections.Counter[str] = collections.Counter()
    # Our own pytest wrote these files a moment ago: they are not input from outside.
    for suite in (suite for report in reports for suite in ET.parse(report).getroot().iter("testsuite")):
        for word, attribute in (("run", "tests"), ("failed", "failures"), ("errors", "errors"), ("skipped", "skipped")):
            totals[word] += int(suite.get(attribute, "0"))
        for skip in suite.iter("skipped"):
            reasons[skip.get("message", "no reason given")] += 1
    return totals, reasons


if __name__ == "__main__":
    raise SystemExit(main())
