"""A hub and a sandbox as processes of their own: the hub can be killed and started again on the same home.

Used by the acceptance tests and by the crash proof. Everything here is a black box over HTTP; only :meth:`World.sql`
looks inside, and only to compare.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import select
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import asyncpg
import httpx

from hutong.app import open_runtime
from hutong.cli.processes import SANDBOX_PORTS, held_ports
from hutong.config import Settings
from hutong.db.account import database_account
from hutong.db.cluster import Cluster
from hutong.db.home import Home
from hutong.db.house import DATABASE_NAME, open_house
from hutong.db.lifeline import clear_survivors
from hutong.links.hosts import add_host, settle_check
from hutong.merchants.actors import HOME
from hutong.workflows.commands.examine import examine

BIN = Path(sys.executable).parent
READY = "ready "
READY_S = 120
STOP_S = 30
REST_S = 90
POLL_S = 0.05
KILLED = -signal.SIGKILL
#: One for all clients: each would read the list of authorities for itself, which costs more than what it asks for.
TLS = ssl.create_default_context()


class Died(Exception):
    """A child ended before it was ready; ``code`` is its exit code."""

    def __init__(self, name: str, code: int | None, log: str) -> None:
        super().__init__(f"{name} ended with {code}:\n{log}")
        self.code = code


class Child:
    """A command of ours; its log goes to a file, its ready line tells where it listens."""

    def __init__(self, name: str, arguments: Sequence[str], environment: dict[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [BIN / name, *arguments, "--lifeline"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=out,
                env={**os.environ, **environment},
            )

    def wait_ready(self) -> dict[str, Any]:
        """What the ready line tells.

        Raises:
            Died: it ended before.
        """
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            seen, _, _ = select.select([self.process.stdout], [], [], 1.0)
            if not seen:
                continue
            line = self.process.stdout.readline().decode()
            if line.startswith(READY):
                return json.loads(line.removeprefix(READY))
            if not line:
                raise Died(self.name, self.process.wait(STOP_S), self.tail())
        raise Died(self.name, None, self.tail())

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-4000:]

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.close()

    def close(self) -> int:
        """Let it end in order; its exit code."""
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


class Unreached(Exception):
    """What was waited for never came."""


def wait_until(what: str, found: Callable[[], Any], seconds: float = REST_S) -> Any:  # noqa: ANN401
    """The first true answer.

    Raises:
        Unreached: it never came.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = found()
        if answer:
            return answer
        time.sleep(POLL_S)
    raise Unreached(f"not within {seconds} s: {what}")


class World:
    """One home, one sandbox, and a hub that may die."""

    def __init__(self, seed: int = 1, home: Path | None = None, environment: dict[str, str] | None = None) -> None:
        self.home = home or Path(tempfile.mkdtemp(prefix="hutong-world-"))
        self.log = Path(tempfile.mkdtemp(prefix="hutong-log-"))
        self.environment = environment or {}
        Home.open(self.home, demo=True)
        self._ports = contextlib.ExitStack()  # until the end: the hub has the same port in all its lives
        control_port = self._ports.enter_context(held_ports(SANDBOX_PORTS))
        self.hub_port = self._ports.enter_context(held_ports(1))
        self.control_url = f"http://127.0.0.1:{control_port}"
        arguments = ["serve", "--port", str(control_port), "--seed", str(seed)]
        self.sandbox_child = Child("hutong-sandbox", arguments, {}, self.log / "sandbox.log")
        self.hub: Child | None = None
        self.login: dict[str, Any] = {}

    @functools.cached_property
    def sandbox(self) -> httpx.Client:
        """The sandbox's control port; waits for it at the first time, so that a hub can start beside it."""
        self.sandbox_child.wait_ready()
        return httpx.Client(base_url=self.control_url, timeout=60, trust_env=False, verify=TLS)

    @property
    def url(self) -> str:
        """Where the hub listens, over all its lives."""
        return f"http://127.0.0.1:{self.hub_port}"

    def start_hub(self, *, crash_points: str = "", fresh_login: bool = True) -> dict[str, Any]:
        """Start the hub; what its ready line tells.

        Raises:
            Died: it ended before it was ready.
        """
        assert self.hub is None, "the hub runs"
        arguments = ["serve", "--port", str(self.hub_port), *(["--fresh-login"] if fresh_login else [])]
        environment = {
            **self.environment,
            "HUTONG_HOME": str(self.home),
            "HUTONG_SANDBOX_URL": self.control_url,
            "HUTONG_CRASH_POINTS": crash_points,
        }
        self.hub = Child("hutong", arguments, environment, self.log / "hub.log")
        try:
            told = self.hub.wait_ready()  # it waits for the sandbox itself
        except Died as error:
            self.hub.close()
            self.hub = None
            raise Died("hutong", error.code, f"{error}\nand its sandbox said:\n{self.sandbox_child.tail()}") from error
        if fresh_login:
            self.login = told["login"]
        return told

    def kill_hub(self) -> None:
        """kill -9 of the hub; its database dies with it, the sandbox lives on."""
        assert self.hub is not None, "no hub runs"
        self.hub.kill()
        self.hub = None

    def stop_hub(self) -> int:
        """Let the hub end in order; its exit code."""
        assert self.hub is not None, "no hub runs"
        code = self.hub.close()
        self.hub = None
        return code

    def hub_died(self) -> bool:
        """Whether the hub is gone, however it went; then it can be started again."""
        if self.hub is not None and self.hub.process.poll() is not None:
            self.hub.close()
            self.hub = None
        return self.hub is None

    def api(self) -> httpx.Client:
        """A client of the API with the demo's key; the caller closes it."""
        headers = {"authorization": f"Bearer {self.login['api_key']}"}
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=60, trust_env=False, verify=TLS)

    def post_sandbox(self, path: str, **body: Any) -> Any:  # noqa: ANN401 (JSON)
        """Something happens on a platform; fails on any error."""
        answer = self.sandbox.post(path, json=body)
        assert answer.is_success, f"{path} {answer.status_code} {answer.text}"
        return answer.json()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``hutong …`` on this home."""
        return subprocess.run(
            [BIN / "hutong", *arguments],
            env={**os.environ, **self.environment, "HUTONG_HOME": str(self.home)},
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def database_url(self) -> str:
        """The login's URL of the running hub's database."""
        port = int(Cluster(self.home).port_file.read_text(encoding="ascii"))
        login = Home(self.home).login()
        return f"postgresql://{login.name}:{quote(login.password, safe='')}@127.0.0.1:{port}/{DATABASE_NAME}"

    def sql(self, statement: str, *values: Any, role: str = "system") -> list[asyncpg.Record]:  # noqa: ANN401
        """Rows of a statement run as one of the hub's roles, with this world's merchant set."""

        async def ask() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self.database_url(), server_settings={"role": f"hutong_{role}"})
            try:
                async with connection.transaction():
                    merchant = self.login["merchant"]
                    await connection.execute("SELECT set_config('app.merchant_id', $1, true)", merchant)
                    return await connection.fetch(statement, *values)
            finally:
                await connection.close()

        return asyncio.run(ask())

    def count(self, table: str, condition: str = "true", *values: Any) -> int:  # noqa: ANN401
        """Rows of a table."""
        return int(self.sql(f"SELECT count(*) FROM {table} WHERE {condition}", *values)[0][0])

    @contextlib.contextmanager
    def holding(self, table: str) -> Iterator[None]:
        """Nobody can write the table inside: a lock, as a long maintenance statement would take it."""
        held, release = threading.Event(), threading.Event()

        async def hold() -> None:
            connection = await asyncpg.connect(self.database_url(), server_settings={"role": "hutong_owner"})
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(f"LOCK TABLE {table} IN SHARE MODE")
            held.set()
            while not release.is_set() and not connection.is_closed():  # noqa: ASYNC110 (another thread's event)
                await asyncio.sleep(POLL_S)
            with contextlib.suppress(Exception):  # the database may be gone with its hub
                await transaction.rollback()
                await connection.close()

        thread = threading.Thread(target=lambda: asyncio.run(hold()))
        thread.start()
        try:
            if not held.wait(REST_S):
                raise Unreached(f"a lock on {table}")
            yield
        finally:
            release.set()
            thread.join()

    def settle(self, seconds: float = REST_S) -> None:
        """Wait until no job is due or running."""
        wait_until("the hub comes to rest", self.at_rest, seconds)

    def at_rest(self) -> bool:
        """Whether no event is undelivered and no job is due or running."""
        left = self.sql(
            "SELECT 1 FROM undelivered UNION ALL "
            "SELECT 1 FROM job WHERE finished_at IS NULL AND (state <> 'waiting' OR due_at <= $1) LIMIT 1",
            self.now(),
        )
        return not left

    def now(self) -> datetime:
        """The sandbox's clock, which the hub follows."""
        return datetime.fromisoformat(self.sandbox.get("/clock").json()["now"])

    def begin_again(self, template: Path) -> None:
        """A copy of another home in the place of this one, and the sandbox as it was at its start."""
        if self.hub is not None:
            self.kill_hub()
        self._remove_home()
        subprocess.run(["/bin/cp", "-a", f"{template}/.", str(self.home)], check=True)
        self.login = {}
        self.post_sandbox("/reset")

    def prove_host(self, host: str) -> None:
        """The merchant's own host, as after a look that found the proof: what stands there, nobody here can put."""

        async def work() -> None:
            with open_house(self.home, None, attach=True) as house:
                async with (
                    open_runtime(Settings(home=self.home), house, "") as runtime,
                    runtime.unit(UUID(self.login["merchant"]), "proof") as unit,
                ):
                    added = await add_host(unit, HOME, host, trial=False)
                    await settle_check(unit, added.host_id, "")

        asyncio.run(work())

    def breaches(self) -> list[str]:
        """What ``hutong doctor`` finds, without a process of its own."""

        async def work() -> list[str]:
            with open_house(self.home, None, attach=True) as house:
                async with open_runtime(Settings(home=self.home), house, "") as runtime:
                    found = await examine(runtime, UUID(self.login["merchant"]))
            return [f"{breach.rule} {breach.subject} {breach.detail}" for breach in found]

        return asyncio.run(work())

    def _remove_home(self) -> None:
        if Cluster(self.home).data.exists():
            clear_survivors(Cluster(self.home).token(), database_account(Cluster(self.home).folder).uid)
        shutil.rmtree(self.home, ignore_errors=True)

    def close(self) -> None:
        """End everything and remove the home."""
        if "sandbox" in self.__dict__:
            self.sandbox.close()
        if self.hub is not None:
            self.stop_hub()
        self.sandbox_child.close()
        self._ports.close()
        self._remove_home()
        shutil.rmtree(self.log, ignore_errors=True)
