"""Nobody outlives his supervisor, and nothing acknowledged is lost: real processes, really killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import asyncpg
import pytest

from hutong.db import supervisor
from hutong.db.account import database_account
from hutong.db.binaries import locate
from hutong.db.cluster import Cluster, reachable, server_environment
from hutong.db.refusals import DatabaseStillRunning
from hutong.db.supervisor import EmbeddedServer

#: The promise of the design; a machine with more than twice its share of work gets longer.
GONE_WITHIN_S = 5.0 if os.getloadavg()[0] < 2 * (os.cpu_count() or 1) else 20.0
#: Only to end a test that hangs.
BACK_WITHIN_S = 100.0


def query(url, statement, *values):
    async def main():
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(statement, *values)
        finally:
            await connection.close()

    return asyncio.run(main())


#: What a client sees of a server that goes away under it.
BROKEN = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


#: Works for minutes and never looks whether its postmaster lives.
BUSY = "SELECT count(*) FROM generate_series(1, 10000000000)"


class Writer(threading.Thread):
    """Inserts one number after another, over broken connections too, and remembers what was acknowledged."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.acknowledged: list[int] = []
        self.breaks = 0
        self.over = threading.Event()

    def run(self) -> None:
        asyncio.run(self._write())

    async def _write(self) -> None:
        number = 0
        while not self.over.is_set():
            try:
                connection = await asyncpg.connect(self.url, timeout=10)
                try:
                    while not self.over.is_set():
                        number += 1
                        await connection.execute("INSERT INTO numbers VALUES ($1)", number, timeout=20)
                        self.acknowledged.append(number)
                finally:
                    connection.terminate()
            except BROKEN:
                self.breaks += 1
                await asyncio.sleep(0.05)


@pytest.fixture
def writer():
    writers: list[Writer] = []

    def start(url: str) -> Writer:
        query(url, "CREATE TABLE IF NOT EXISTS numbers (n bigint PRIMARY KEY)")
        writers.append(Writer(url))
        writers[-1].start()
        return writers[-1]

    yield start
    for one in writers:
        one.over.set()
        one.join()


def lost(url: str, acknowledged: list[int]) -> int:
    return query(
        url, "SELECT count(*) FROM unnest($1::bigint[]) a LEFT JOIN numbers ON n = a WHERE n IS NULL", acknowledged
    )


def test_the_database_dies_with_a_killed_hub_and_keeps_what_it_acknowledged(home, start_hub, writer, processes):
    hub = start_hub()
    one = writer(hub.url)
    processes.wait_until(lambda: len(one.acknowledged) > 50, BACK_WITHIN_S)
    hub.kill(signal.SIGKILL)
    assert processes.wait_until(lambda: not processes.of(home), GONE_WITHIN_S) < GONE_WITHIN_S
    one.over.set()
    again = start_hub()
    assert lost(again.url, one.acknowledged) == 0


def test_a_next_start_right_after_the_kill_waits_for_the_old_database(start_hub):
    hub = start_hub()
    query(hub.url, "CREATE TABLE kept AS SELECT 7 AS n")
    hub.kill(signal.SIGKILL)
    assert query(start_hub().url, "SELECT n FROM kept") == 7


@pytest.mark.parametrize("ending", ["pass", "raise RuntimeError('boom')", "import os; os._exit(1)"])
def test_the_database_stops_with_a_hub_that_ends_without_stopping_it(home, start_hub, processes, ending):
    hub = start_hub(ending=ending)
    assert processes.of(home)
    hub.close()
    processes.wait_until(lambda: not processes.of(home), GONE_WITHIN_S)


def test_the_database_dies_though_a_fork_of_the_hub_still_holds_the_pipe(home, start_hub, processes, tmp_path):
    forked = tmp_path / "forked"
    hub = start_hub(
        ending=f"import os, time\nif (child := os.fork()) == 0: time.sleep(60)\n"
        f"open({str(forked)!r}, 'w').write(str(child)); time.sleep(60)"
    )
    hub.process.stdin.close()
    processes.wait_until(lambda: forked.exists() and forked.read_text(), BACK_WITHIN_S)
    child = int(forked.read_text())
    try:
        hub.kill(signal.SIGKILL)
        processes.wait_until(lambda: not processes.of(home), GONE_WITHIN_S)
        os.kill(child, 0)  # the fork lived on all the while
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_busy_backend_does_not_hold_up_the_end(home, start_hub, processes):
    hub = start_hub()
    sleeper = threading.Thread(target=lambda: _suppressed(hub.url, "SELECT pg_sleep(60)"))
    sleeper.start()
    processes.wait_until(
        lambda: query(hub.url, "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'sleep'"), BACK_WITHIN_S
    )
    hub.kill(signal.SIGKILL)
    processes.wait_until(lambda: not processes.of(home), GONE_WITHIN_S)
    sleeper.join(BACK_WITHIN_S)
    assert not sleeper.is_alive()


def _suppressed(url, statement):
    with contextlib.suppress(*BROKEN):
        query(url, statement)


@pytest.mark.skipif(sys.platform != "linux", reason="parent-death signals are Linux's")
def test_the_database_dies_with_a_killed_lifeline(home, start_hub, processes):
    start_hub()
    postmaster = Cluster(home).postmaster()[0]
    os.kill(processes.parent(postmaster), signal.SIGKILL)
    processes.wait_until(lambda: not processes.of(home), GONE_WITHIN_S)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_signals_from_the_terminal_do_not_stop_the_database_under_the_hub(home, start_hub, processes):
    hub = start_hub()
    postmaster = Cluster(home).postmaster()[0]
    watcher = processes.parent(postmaster)
    assert os.getsid(watcher) != os.getsid(hub.process.pid)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(watcher, number)
    time.sleep(0.3)
    assert Cluster(home).postmaster() == (postmaster, "ready")
    assert query(hub.url, "SELECT 1") == 1


def test_a_killed_postmaster_is_replaced_and_nothing_acknowledged_is_lost(home, writer, processes):
    server = EmbeddedServer(home)
    url = server.start()
    try:
        one = writer(url)
        for _ in range(2):
            seen = len(one.acknowledged)
            processes.wait_until(lambda seen=seen: len(one.acknowledged) > seen + 50, BACK_WITHIN_S)
            killed = server.postmaster_pid()
            os.kill(killed, signal.SIGKILL)
            processes.wait_until(lambda killed=killed: server.postmaster_pid() not in (None, killed), BACK_WITHIN_S)
        seen = len(one.acknowledged)
        processes.wait_until(lambda: len(one.acknowledged) > seen + 50, BACK_WITHIN_S)
        one.over.set()
        one.join()
        assert one.breaks >= 2
        assert lost(url, one.acknowledged) == 0
        assert server.url("postgres") == url
    finally:
        server.stop()


def test_a_start_after_everything_was_killed_at_once(home, start_hub, writer, processes):
    """Hub, lifeline and postmaster die together; a busy backend stays behind and holds the shared memory."""
    hub = start_hub()
    one = writer(hub.url)
    sleeper = threading.Thread(target=lambda: _suppressed(hub.url, BUSY))
    sleeper.start()
    processes.wait_until(
        lambda: query(hub.url, "SELECT count(*) FROM pg_stat_activity WHERE query = $1", BUSY), BACK_WITHIN_S
    )
    processes.wait_until(lambda: len(one.acknowledged) > 50, BACK_WITHIN_S)
    postmaster = Cluster(home).postmaster()[0]
    watcher = processes.parent(postmaster)
    # The watcher's death tells the postmaster to stop; frozen, it cannot begin to before it is killed itself.
    os.kill(postmaster, signal.SIGSTOP)
    for pid in (watcher, postmaster, hub.process.pid):
        os.kill(pid, signal.SIGKILL)
    hub.process.wait()
    assert Cluster(home).postmaster() == (postmaster, "ready"), "the pid file is stale now"
    assert processes.of(home), "an orphan holds the shared memory"
    again = start_hub()
    one.over.set()
    sleeper.join(BACK_WITHIN_S)
    assert not sleeper.is_alive()
    assert lost(again.url, one.acknowledged) == 0


def test_a_stale_pid_file_whose_number_serves_somebody_else_now(home, start_hub):
    hub = start_hub()
    pid_file = Cluster(home).pid_file
    lines = pid_file.read_text().splitlines()
    hub.close()
    account = database_account(Cluster(home).folder)
    with subprocess.Popen(["/bin/sleep", "60"], **account.popen_arguments()) as stranger:
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        account.own(pid_file)
        try:
            assert query(start_hub().url, "SELECT 1") == 1
            assert stranger.poll() is None, "a stranger is not ours to end"
        finally:
            stranger.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_a_database_started_by_hand_is_neither_disturbed_nor_joined(home, monkeypatch):
    monkeypatch.setattr(supervisor, "PREDECESSOR_WAIT_S", 0.3)
    cluster = Cluster(home)
    account = database_account(cluster.folder)
    program = locate(account, home).program("postgres")
    with (
        reachable(cluster.folder, account) as (base, descriptors),
        subprocess.Popen(
            [program, "-D", f"{base}/data", "-p", "14999", "-c", "listen_addresses="],
            cwd=cluster.data,
            env=server_environment(),
            stderr=subprocess.DEVNULL,
            pass_fds=descriptors,
            **account.popen_arguments(),
        ) as by_hand,
    ):
        try:
            deadline = time.monotonic() + BACK_WITHIN_S
            while cluster.postmaster() != (by_hand.pid, "ready") and time.monotonic() < deadline:
                time.sleep(0.01)
            with pytest.raises(DatabaseStillRunning) as caught:
                EmbeddedServer(home).start()
            assert caught.value.details["pid"] == by_hand.pid
            assert by_hand.poll() is None
            assert cluster.postmaster() == (by_hand.pid, "ready")
        finally:
            by_hand.send_signal(signal.SIGQUIT)


def test_a_copied_home_runs_beside_its_original(home, start_hub, tmp_path):
    hub = start_hub()
    query(hub.url, "CREATE TABLE kept AS SELECT 7 AS n")
    hub.close()
    copy = tmp_path / "copy"
    subprocess.run(["/bin/cp", "-a", str(home), str(copy)], check=True)
    start_hub()
    twin = EmbeddedServer(copy)
    try:
        assert query(twin.start(), "SELECT n FROM kept") == 7
    finally:
        twin.stop()
        shutil.rmtree(copy)


def test_the_lifeline_gives_up_after_its_attempts(home):
    server = EmbeddedServer(home)
    server.start()
    try:
        (server.cluster.data / "pg_hba.conf").write_text("nonsense\n")
        os.kill(server.postmaster_pid(), signal.SIGKILL)
        deadline = time.monotonic() + BACK_WITHIN_S
        while server._watcher.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert server._watcher.poll() == 3
        assert not server.is_running()
    finally:
        server.stop()
    assert Path(server.cluster.log_file).read_text().count("could not load") == 3
