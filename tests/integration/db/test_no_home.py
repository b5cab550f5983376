"""Commands that are of no use without data say so where there is none, and make nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

HUTONG = Path(sys.executable).parent / "hutong"
COMMANDS = (
    ("doctor",),
    ("doctor", "--json"),
    ("staff", "reset-password", "owner"),
    ("staff", "add", "wang", "--name", "王", "--role", "clerk", "--merchant", "x"),
    ("key", "create", "--merchant", "x", "--scopes", "*"),
)


def run(home, *command, language="en_US"):
    environment = {**os.environ, "HUTONG_HOME": str(home), "LC_ALL": language}
    environment.pop("HUTONG_DATABASE_URL", None)
    return subprocess.run([HUTONG, *command], env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_home_that_is_not_there_is_told_and_not_made(tmp_path, command):
    done = run(tmp_path / "mistyped", *command)
    assert (done.returncode, done.stdout) == (1, "")
    assert str(tmp_path / "mistyped") in done.stderr
    assert "HUTONG_HOME" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("language", "sentence"), [("zh_CN.UTF-8", "还不是数据目录"), ("en_US", "is no home of hutong yet")]
)
def test_an_empty_folder_stays_empty(tmp_path, language, sentence):
    done = run(tmp_path, "doctor", language=language)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 3
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_folder_is_told_so(tmp_path):
    file = tmp_path / "home"
    file.write_text("x")
    done = run(file, "doctor")
    assert done.returncode == 1
    assert "cannot be used" in done.stderr
