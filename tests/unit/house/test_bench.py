"""The runner of benchmarks and proofs: what it says when one of them fails, is stopped or does not exist."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("pass", 0),
        ("raise SystemExit(3)", 3),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", 143),
        (None, 2),
    ],
)
def test_a_proof_that_failed_or_was_stopped_is_told(tmp_path, script, code):
    for name in ("tools", "bench"):
        (tmp_path / name).mkdir()
    shutil.copy(ROOT / "tools" / "bench.py", tmp_path / "tools")
    (tmp_path / "bench" / "good.py").write_text("pass\n")
    if script is not None:
        (tmp_path / "bench" / "proof_this.py").write_text(script + "\n")
    names = ["proof_this"] if script is None else ["proof_this", "good"]
    done = subprocess.run([sys.executable, tmp_path / "tools" / "bench.py", *names], capture_output=True, check=False)
    assert done.returncode == code
