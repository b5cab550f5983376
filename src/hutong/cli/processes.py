"""Hub and sandbox as child processes for story and demo: they end with us, whatever happens."""

from __future__ import annotations

import os
import secrets
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
#: The sandbox's control port, one for each platform, and the one on which certificates are shown, side by side.
SANDBOX_PORTS: Final = 10
#: Above the ports of services, our own included.
PORT_MIN: Final = 15_000
PORTS_MIN: Final = 1_000
#: Linux's default beginning of the ports that it gives to whoever asks for any, and where it tells another one.
EPHEMERAL_FIRST: Final = 32_768
EPHEMERAL_RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOOPBACK: Final = "127.0.0.1"


class PartFailed(HutongError):
    """A child process ended before it was ready."""

    code = "part_failed"
    zh = ErrorText("{part} 没有启动成功。", "进程提前退出，原因见上方日志。", "按日志处理后重试。")
    en = ErrorText("{part} did not start.", "It ended early; its log above says why.", "Mend that and try again.")


class PortTaken(HutongError):
    """Another program listens on the port that was asked for: two that share it would answer each other's callers."""

    code = "port_taken"
    zh = ErrorText(
        "端口 {port} 已被别的程序占用。", "可能有另一个互通正在运行。", "加上 --port 换一个端口，或先停掉那个程序。"
    )
    en = ErrorText(
        "Port {port} is taken by another program.",
        "Perhaps another hub is running.",
        "Choose another one with --port, or stop that program first.",
    )


class PartEnded(HutongError):
    """A child process ended while it was needed."""

    code = "part_ended"
    zh = ErrorText("{part} 已停止，演示随之结束。", "进程意外退出，原因见上方日志。", "按日志处理后重新运行。")
    en = ErrorText(
        "{part} has ended, and the demo with it.",
        "It ended by itself; its log above says why.",
        "Mend that and run again.",
    )


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


@contextmanager
def held_ports(count: int) -> Iterator[int]:
    """The first of ``count`` neighbouring ports on the loopback address that nobody uses. Nobody else who asks here
    gets one of them inside, whether or not its owner listens yet.

    They lie below those that the kernel gives to whoever asks for any: a database or a connection that starts at the
    same time cannot take one of them either.

    Raises:
        PartFailed: none was found.
    """
    choices = _first_given_port() - count - PORT_MIN
    for _ in range(PORT_TRIES_MAX):
        port = PORT_MIN + secrets.randbelow(choices)
        with ExitStack() as stack:
            try:
                for number in range(port, port + count):
                    _hold(stack.enter_context(socket.socket()), number)
            except OSError:
                continue
            if sys.platform != "linux":
                stack.close()  # elsewhere who holds a port keeps its owner out, too
            yield port
            return
    raise PartFailed(part="port")


def _hold(holder: socket.socket, port: int) -> None:
    """Bind as one who shares with nobody; from then on let in whoever shares, which is what servers do. Linux asks both
    sides, and gives connections only to who listens.
    """
    holder.bind((LOOPBACK, port))
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "SO_REUSEPORT"):
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)


def _first_given_port() -> int:
    """Where the range begins from which the kernel gives ports (Linux tells; elsewhere IANA's begins higher)."""
    try:
        first = int(EPHEMERAL_RANGE.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return EPHEMERAL_FIRST
    return first if first > PORT_MIN + PORTS_MIN else EPHEMERAL_FIRST
