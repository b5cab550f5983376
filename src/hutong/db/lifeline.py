"""The lifeline: a tiny process between the hub and PostgreSQL, so that neither outlives its supervisor.

Run as a script with nothing but the standard library (``python -I -S lifeline.py SPEC``). It starts the postmaster
as its child, restarts it when it dies, and stops it when the pipe on standard input closes, which the kernel does
however the hub ends, also by ``kill -9``. Should the lifeline itself be killed, the parent-death signal set on the
postmaster stops that. One thread only, because a parent-death signal follows the thread that spawned.

``SPEC`` is JSON: ``argv``, ``aside`` (a command to run once beside it, or null), ``folder`` (put for ``{folder}`` in
both), ``descriptors`` (that they inherit), ``cwd``, ``env``, ``log``, ``pid_file``, ``token``, ``uid``, ``gid`` (null:
do not switch). A byte ``q`` before the end of the pipe means an orderly stop, which may take its time.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

#: Starts in a row that may fail: after ``kill -9`` orphaned backends hold the shared memory for a moment.
START_ATTEMPTS_MAX: Final = 4
#: Pause before the next start, doubled each time.
RESTART_PAUSE_S: Final = 0.25
#: A postmaster that ran this long was up; its end opens a new row of attempts.
STEADY_S: Final = 20.0
#: How often the lifeline looks whether it was orphaned although a copy of the pipe is still open somewhere.
ORPHAN_CHECK_S: Final = 1.0
#: An orderly stop writes a checkpoint, which may take long on a slow disk; afterwards recovery does it at next start.
ORDERLY_STOP_S: Final = 60.0
#: After the hub died: a fast shutdown gets this long, then an immediate one.
ORPHANED_STOP_S: Final = 2.5
#: Immediate shutdown gets this long, then SIGKILL.
IMMEDIATE_STOP_S: Final = 1.5
#: Left-over backends get this long to go by themselves.
SURVIVORS_STOP_S: Final = 1.0
PR_SET_PDEATHSIG: Final = 1
EXIT_GAVE_UP: Final = 3
COMMAND_LINE_BYTES_MAX: Final = 16_384
PROCESS_LIST_TIMEOUT_S: Final = 5.0

_LIBC: Final = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def survivors(token: str, uid: int) -> list[int]:
    """Process ids of that user whose command line carries the token, i.e. every process of one cluster.

    The token stands in the postmaster's arguments and, as ``cluster_name``, in every backend's title. Unlike a
    process id read from a file it cannot belong to somebody else by chance.
    """
    own = os.getpid()
    if sys.platform != "linux":
        return [pid for pid in _listed_by_ps(token, uid) if pid != own]
    found: list[int] = []
    needle = token.encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == own:
            continue
        with contextlib.suppress(OSError):
            if entry.stat().st_uid != uid:
                continue
            with (entry / "cmdline").open("rb") as stream:
                if needle in stream.read(COMMAND_LINE_BYTES_MAX) and not _is_zombie(entry):
                    found.append(int(entry.name))
    return sorted(found)


def _is_zombie(entry: Path) -> bool:
    return (entry / "stat").read_bytes().rpartition(b")")[2].split()[:1] == [b"Z"]


def _listed_by_ps(token: str, uid: int) -> list[int]:
    listing = subprocess.run(
        ["/bin/ps", "-axo", "pid=,uid=,command="],
        capture_output=True,
        text=True,
        check=True,
        timeout=PROCESS_LIST_TIMEOUT_S,
    )
    rows = (line.split(None, 2) for line in listing.stdout.splitlines())
    return sorted(int(row[0]) for row in rows if len(row) == 3 and int(row[1]) == uid and token in row[2])


def clear_survivors(token: str, uid: int) -> list[int]:
    """End the left-over processes of a cluster whose postmaster is gone; returns those that would not go.

    Safe for the data: what was acknowledged is in the log on disk, and the next start recovers from it.
    """
    for signal_number in (signal.SIGQUIT, signal.SIGKILL):
        for pid in survivors(token, uid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal_number)
        deadline = time.monotonic() + SURVIVORS_STOP_S
        while survivors(token, uid):
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        else:
            return []
    return survivors(token, uid)


def _die_with_parent(parent: int) -> None:
    """In the child, after it changed its user (that would clear the signal) and before exec (which keeps it)."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


class Lifeline:
    """Runs one postmaster until told to stop or orphaned."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.parent = os.getppid()
        self.wake_read, wake_write = os.pipe()
        os.set_blocking(self.wake_read, False)
        os.set_blocking(wake_write, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_IGN)

    @property
    def uid(self) -> int:
        """The user that the postmaster runs as."""
        return os.getuid() if self.spec["uid"] is None else int(self.spec["uid"])

    def run(self) -> int:
        """Keep the postmaster running; returns the exit status."""
        failures = 0
        aside = self._spawn(self.spec["aside"]) if self.spec["aside"] else None
        while True:  # ends when told to stop, or after START_ATTEMPTS_MAX failures in a row
            started = time.monotonic()
            child = self._spawn(self.spec["argv"])
            grace_s = self._watch(child)
            if grace_s is not None:
                self._stop(child, grace_s)
                if aside is not None and aside.poll() is None:
                    aside.kill()
                return 0
            failures = 1 if time.monotonic() - started > STEADY_S else failures + 1
            if failures >= START_ATTEMPTS_MAX or self._cannot_clear(child.pid):
                return EXIT_GAVE_UP
            if self._pause(RESTART_PAUSE_S * 2 ** (failures - 1)) is not None:
                return 0

    def _spawn(self, argv: list[str]) -> subprocess.Popen[bytes]:
        spec = self.spec
        switch: dict[str, Any] = {}
        if spec["uid"] is not None:
            switch = {"user": spec["uid"], "group": spec["gid"], "extra_groups": []}
        own = os.getpid()
        with Path(spec["log"]).open("ab") as log:
            return subprocess.Popen(
                [part.replace("{folder}", spec["folder"]) for part in argv],
                pass_fds=spec["descriptors"],
                cwd=spec["cwd"],
                env=spec["env"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                umask=0o077,
                restore_signals=True,
                preexec_fn=lambda: _ready_child(own),  # noqa: PLW1509 (this process has one thread)
                **switch,
            )

    def _watch(self, child: subprocess.Popen[bytes]) -> float | None:
        """Until the child ends (None) or the pipe closes (seconds that the stop may take)."""
        while child.poll() is None:
            verdict = self._pause(ORPHAN_CHECK_S)
            if verdict is not None:
                return verdict
        return None

    def _pause(self, seconds: float) -> float | None:
        """Wait, but no longer than to a child's end; when told to stop, the seconds that this may take."""
        readable, _, _ = select.select([0, self.wake_read], [], [], seconds)
        if self.wake_read in readable:
            with contextlib.suppress(BlockingIOError):
                os.read(self.wake_read, 64)
        if 0 in readable:
            return ORDERLY_STOP_S if os.read(0, 1) == b"q" else ORPHANED_STOP_S
        return ORPHANED_STOP_S if os.getppid() != self.parent else None

    def _stop(self, child: subprocess.Popen[bytes], grace_s: float) -> None:
        for signal_number, patience_s in (
            (signal.SIGINT, grace_s),
            (signal.SIGQUIT, IMMEDIATE_STOP_S),
            (signal.SIGKILL, IMMEDIATE_STOP_S),
        ):
            child.send_signal(signal_number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(patience_s)
                break
        clear_survivors(self.spec["token"], self.uid)

    def _cannot_clear(self, dead: int) -> bool:
        """After the postmaster's death: end its backends and drop its pid file, whose number may be reused."""
        if clear_survivors(self.spec["token"], self.uid):
            return True
        pid_file = Path(self.spec["pid_file"])
        with contextlib.suppress(OSError):
            if pid_file.read_bytes().split(b"\n", 1)[0].strip() == str(dead).encode():
                pid_file.unlink()
        return False


def _ready_child(parent: int) -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_DFL)
    _die_with_parent(parent)


if __name__ == "__main__":
    raise SystemExit(Lifeline(json.loads(sys.argv[1])).run())
