"""Helpers for tests that kill real processes."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hutong.db.account import database_account
from hutong.db.cluster import Cluster
from hutong.db.lifeline import clear_survivors, survivors
from hutong.db.supervisor import EmbeddedServer

#: Runs a server until told to stop; prints the URL when it is ready.
HUB = """
import sys, time
from pathlib import Path
from hutong.db.supervisor import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]))
print(server.start(), flush=True)
sys.stdin.read()
{ending}
"""


class Processes:
    """Looks at running processes."""

    @staticmethod
    def of(home: Path) -> list[int]:
        """Every PostgreSQL process of a home's cluster."""
        cluster = Cluster(home)
        return survivors(cluster.token(), database_account(cluster.folder).uid) if cluster.data.exists() else []

    @staticmethod
    def parent(pid: int) -> int:
        """The parent's process id (Linux)."""
        return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])

    @staticmethod
    def wait_until(condition: Callable[[], object], seconds: float) -> float:
        """Seconds that it took; fails when it does not become true in time."""
        started = time.monotonic()
        while not condition():
            if time.monotonic() - started > seconds:
                pytest.fail(f"not within {seconds} s")
            time.sleep(0.01)
        return time.monotonic() - started


@pytest.fixture
def processes() -> Processes:
    return Processes()


class Hub:
    """A process of its own that supervises the server of a home."""

    def __init__(self, home: Path, ending: str = "server.stop()", **arguments) -> None:
        self.home = home
        self.process = subprocess.Popen(
            [sys.executable, "-c", HUB.format(ending=ending), str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **arguments,
        )
        self.url = self.process.stdout.readline().strip()

    def kill(self, signal_number: int = signal.SIGKILL) -> None:
        self.process.send_signal(signal_number)
        self.process.wait()

    def close(self) -> str:
        """End it by the end of its input; returns what it wrote to standard error."""
        return self.process.communicate(timeout=30)[1]

    def dispose(self) -> None:
        if self.process.poll() is None:
            self.kill()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()


@pytest.fixture(scope="session")
def seed_home() -> Iterator[Path]:
    """A home whose cluster is made and stopped, to be copied: cheaper than making one per test."""
    path = Path(tempfile.mkdtemp(prefix="hutong-seed-"))
    server = EmbeddedServer(path)
    server.start()
    server.stop()
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def home(empty_home, seed_home) -> Path:
    """A 0700 home with a cluster; whatever still runs in it afterwards is ended."""
    subprocess.run(["/bin/cp", "-a", f"{seed_home}/.", str(empty_home)], check=True)
    return empty_home


@pytest.fixture
def empty_home() -> Iterator[Path]:
    """A fresh 0700 home; whatever still runs in it afterwards is ended."""
    path = Path(tempfile.mkdtemp(prefix="hutong-home-"))
    yield path
    if Cluster(path).data.exists():
        clear_survivors(Cluster(path).token(), database_account(Cluster(path).folder).uid)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def start_hub(home) -> Iterator[Callable[..., Hub]]:
    hubs: list[Hub] = []

    def start(**arguments) -> Hub:
        hubs.append(Hub(home, **arguments))
        assert hubs[-1].url.startswith("postgresql://"), hubs[-1].process.stderr.read()
        return hubs[-1]

    yield start
    for hub in hubs:
        hub.dispose()
