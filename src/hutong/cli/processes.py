"""Hub and sandbox as child processes for story and demo: they end with us, whatever happens."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from hutong.core.errors import ErrorText, HutongError

READY: Final = "ready "
LINES_BEFORE_READY_MAX: Final = 1000
STOP_TIMEOUT_S: Final = 20
PORT_TRIES_MAX: Final = 50
LOOPBACK: Final = "127.0.0.1"


class PartFailed(HutongError):
    """A child process ended before it was ready."""

    code = "part_failed"
    zh = ErrorText("{part} 没有启动成功。", "进程提前退出，原因见上方日志。", "按日志处理后重试。")
    en = ErrorText("{part} did not start.", "It ended early; its log above says why.", "Mend that and try again.")


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A running child and what its ready line told."""

    process: Any
    told: dict[str, Any]


class Starting:
    """A child that may not be ready yet."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self.name = name
        self.process = process

    def wait_ready(self) -> dict[str, Any]:
        """What its ready line tells.

        Raises:
            PartFailed: it ended before.
        """
        assert self.process.stdout is not None, "opened as a pipe"
        for _ in range(LINES_BEFORE_READY_MAX):
            line = self.process.stdout.readline()
            if not line:
                break
            if line.startswith(READY):
                return msgspec.json.decode(line[len(READY) :], type=dict[str, Any])
        raise PartFailed(part=self.name)


@contextmanager
def starting(name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Iterator[Starting]:
    """Start a command of ours; it is stopped at the end. Its log goes to our standard error."""
    command = [str(Path(sys.executable).parent / name), *arguments, "--lifeline"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **environment}, text=True
    )
    try:
        yield Starting(name, process)
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


def free_ports(count: int) -> int:
    """The first of ``count`` neighbouring ports on the loopback address that nobody uses at this moment.

    Raises:
        PartFailed: none was found.
    """
    for _ in range(PORT_TRIES_MAX):
        with ExitStack() as stack:
            first = stack.enter_context(socket.socket())
            first.bind((LOOPBACK, 0))
            port = int(first.getsockname()[1])
            try:
                for number in range(port + 1, port + count):
                    stack.enter_context(socket.socket()).bind((LOOPBACK, number))
            except (OSError, OverflowError):
                continue
            return port
    raise PartFailed(part="port")
