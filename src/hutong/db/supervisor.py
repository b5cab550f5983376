"""Starts and stops the embedded PostgreSQL of a home."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final
from urllib.parse import quote

from hutong.db import lifeline
from hutong.db.account import Account, database_account
from hutong.db.binaries import Binaries, locate
from hutong.db.cluster import SUPERUSER, Cluster, reachable, server_environment, sync_command
from hutong.db.refusals import DatabaseNotStarted, DatabaseStillRunning, HomeUnusable

HOST: Final = "127.0.0.1"
#: Below the range from which systems take outgoing ports, so that a restart finds its port still free.
PORT_FIRST: Final = 15_000
PORT_LAST: Final = 31_999
PORT_TRIES_MAX: Final = 64
#: Ports tried when the chosen one was taken between the look and the start.
START_PORTS_MAX: Final = 3
#: What the server's log says then (its messages are in English by our settings).
PORT_TAKEN: Final = "could not create any TCP/IP sockets"
#: Recovery after a crash replays at most ``max_wal_size``; on a slow disk that takes minutes.
READY_TIMEOUT_S: Final = 300.0
READY_POLL_S: Final = 0.01
#: How long a start waits for the database of a supervisor that was just killed.
PREDECESSOR_WAIT_S: Final = 10.0
STOP_TIMEOUT_S: Final = lifeline.ORDERLY_STOP_S + 15.0


class EmbeddedServer:
    """PostgreSQL in ``home/"postgres"``, a child of this process that ends with it, however it ends.

    The home must exist. Start and stop block for up to some seconds and are not for an event loop.
    """

    def __init__(self, home: Path) -> None:
        self.home = home.resolve()
        self.cluster = Cluster(self.home)
        self._watcher: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1; 0 before the first start."""
        return self._port

    def url(self, database: str) -> str:
        """The superuser's URL of a database. Carries the password: never log it."""
        return f"postgresql://{SUPERUSER}:{quote(self.cluster.password())}@{HOST}:{self._port}/{quote(database)}"

    def is_running(self) -> bool:
        """Whether the lifeline lives and the postmaster reports ready."""
        watched = self._watcher is not None and self._watcher.poll() is None
        return watched and self.postmaster_pid() is not None

    def has_ended(self) -> bool:
        """Whether its lifeline has gone since the start: killed, or tired of a server that does not stay up."""
        return self._watcher is not None and self._watcher.poll() is not None

    def postmaster_pid(self) -> int | None:
        """The process id of the ready postmaster, None while there is none."""
        found = self.cluster.postmaster()
        if found is None or found[1] != "ready":
            return None
        try:
            os.kill(found[0], 0)
        except ProcessLookupError:
            return None
        except PermissionError:
            return found[0]
        return found[0]

    def start(self) -> str:
        """Make the cluster if the home is fresh, start it, wait until it is ready; returns the superuser's URL.

        Raises:
            HomeUnusable, DatabaseStillRunning, DatabaseMissing, DatabaseVersionMismatch, BinariesMissing,
            DatabaseNotStarted: what stands in the way and what to do.
        """
        if self._watcher is not None and self._watcher.poll() is None:
            return self.url(SUPERUSER)
        account = database_account(self.cluster.folder)
        try:
            self.cluster.make_folders(account)
            lock = self._take_lock()
        except OSError as error:
            raise HomeUnusable(home=str(self.home), problem=error.strerror or str(error)) from error
        try:
            binaries = locate(account, self.home)
            fresh = self.cluster.ensure(binaries, account)
            self._wait_for_predecessor(account)
            self.cluster.write_settings(account)
            self.cluster.turn_log()
            self._start_on_some_port(binaries, account, lock, fresh=fresh)
        finally:
            os.close(lock)  # the lifeline holds its own copy
        return self.url(SUPERUSER)

    def stop(self) -> None:
        """Stop the database in order: clients are cut, a checkpoint is written."""
        watcher, self._watcher = self._watcher, None
        if watcher is None:
            return
        if watcher.stdin is not None:
            try:
                watcher.stdin.write(b"q")
                watcher.stdin.close()
            except BrokenPipeError:
                pass
        try:
            watcher.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            watcher.kill()
            watcher.wait()

    def _take_lock(self) -> int:
        """The cluster's lock, held by the lifeline until the postmaster is gone, also after our death."""
        descriptor = os.open(self.cluster.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + PREDECESSOR_WAIT_S
        while True:  # ends with the lock, or at the deadline
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    os.close(descriptor)
                    found = self.cluster.postmaster()
                    raise self._still_running(found[0] if found else 0) from None
                time.sleep(READY_POLL_S)
            else:
                return descriptor

    def _still_running(self, pid: int) -> DatabaseStillRunning:
        return DatabaseStillRunning(home=str(self.home), pid=pid, waited_s=int(PREDECESSOR_WAIT_S))

    def _wait_for_predecessor(self, account: Account) -> None:
        """Wait for the processes of an earlier run, then drop the pid file, whose number may be somebody else's now."""
        token = self.cluster.token()
        deadline = time.monotonic() + PREDECESSOR_WAIT_S
        while left := lifeline.survivors(token, account.uid) or self.cluster.started_by_hand():
            found = self.cluster.postmaster()
            if found is None or found[0] not in left:
                lifeline.clear_survivors(token, account.uid)  # backends without a postmaster only wait to be told
            if time.monotonic() > deadline:
                raise self._still_running(left[0])
            time.sleep(READY_POLL_S)
        self.cluster.pid_file.unlink(missing_ok=True)

    def _start_on_some_port(self, binaries: Binaries, account: Account, lock: int, *, fresh: bool) -> None:
        for _ in range(START_PORTS_MAX):
            self._port = _free_port()
            self.cluster.port_file.write_text(f"{self._port}\n", encoding="ascii")
            self._watcher = self._spawn(binaries, account, lock, fresh=fresh)
            if self._became_ready():
                return
            self.stop()
            if PORT_TAKEN not in "\n".join(self.cluster.log_tail()):
                break
        raise DatabaseNotStarted(problem=self.cluster.failure(), log=str(self.cluster.log_file))

    def _spawn(self, binaries: Binaries, account: Account, lock: int, *, fresh: bool) -> subprocess.Popen[bytes]:
        token = self.cluster.token()
        with reachable(self.cluster.folder, account) as (base, descriptors):
            spec = {
                "argv": [
                    *(binaries.program("postgres"), "-D", "{folder}/data", "-p", str(self._port)),
                    *("-c", f"cluster_name={token}"),
                ],
                "aside": sync_command(binaries) if fresh else None,
                "folder": base,
                "descriptors": descriptors,
                "cwd": str(self.cluster.data),
                "env": server_environment(),
                "log": str(self.cluster.log_file),
                "pid_file": str(self.cluster.pid_file),
                "token": token,
                "uid": account.uid if account.switch else None,
                "gid": account.gid if account.switch else None,
            }
            return subprocess.Popen(
                [sys.executable, "-I", "-S", lifeline.__file__, json.dumps(spec)],
                cwd="/",
                env=server_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C at the terminal is the hub's to answer, not the database's
                pass_fds=(lock, *descriptors),
            )

    def _became_ready(self) -> bool:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.is_running():
                return True
            if self._watcher is None or self._watcher.poll() is not None:
                return False
            time.sleep(READY_POLL_S)
        return False


def _free_port() -> int:
    """A TCP port that is free on 127.0.0.1 right now."""
    for _ in range(PORT_TRIES_MAX):
        port = PORT_FIRST + secrets.randbelow(PORT_LAST - PORT_FIRST + 1)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
