"""Hub and sandbox as child processes for story and demo: they end with us, whatever happens."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from hutong.core.errors import ErrorText, HutongError

READY: Final = "ready "
LINES_BEFORE_READY_MAX: Final = 1000
STOP_TIMEOUT_S: Final = 20


class PartFailed(HutongError):
    """A child process ended before it was ready."""

    code = "part_failed"
    zh = ErrorText("{part} 没有启动成功。", "进程提前退出，原因见上方日志。", "按日志处理后重试。")
    en = ErrorText("{part} did not start.", "It ended early; its log above says why.", "Mend that and try again.")


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A running child and what its ready line told."""

    process: Any
    told: dict[str, Any]


@contextmanager
def running(name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Iterator[Part]:
    """Start a command of ours, wait for its ready line, stop it at the end. Its log goes to our standard error."""
    command = [str(Path(sys.executable).parent / name), *arguments, "--lifeline"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **environment}, text=True
    )
    try:
        yield Part(process=process, told=_wait_ready(name, process))
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _wait_ready(name: str, process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None, "opened as a pipe"
    for _ in range(LINES_BEFORE_READY_MAX):
        line = process.stdout.readline()
        if not line:
            break
        if line.startswith(READY):
            return msgspec.json.decode(line[len(READY) :], type=dict[str, Any])
    raise PartFailed(part=name)
