"""Judges' environments, made on demand from their locks, and the sandbox they judge."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # helpers beside the tests; pytest's importlib mode does not add it
from judges_roster import STANDARD_WEBHOOKS  # noqa: E402 (after its place is known)

ROOT = HERE.parents[2]
SET_UP_S_MAX = 240
JUDGE_S_MAX = 90


class Environment:
    """One judge's own virtual environment; it holds what its lock names and nothing else."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lock = ROOT / "locks" / f"judge-{name}.lock"
        self.place = ROOT / f".venv-judge-{name}"
        self.python = self.place / "bin" / "python"

    @property
    def packages(self) -> Path:
        return next((self.place / "lib").glob("python3*")) / "site-packages"

    def prepare(self) -> None:
        """Make it, unless it stands already for this very lock."""
        (ROOT / ".cache").mkdir(exist_ok=True)
        with (ROOT / ".cache" / f"judge-{self.name}.mutex").open("w") as mutex:
            fcntl.flock(mutex, fcntl.LOCK_EX)
            wanted = hashlib.sha256(self.lock.read_bytes()).hexdigest()
            stamp = self.place / ".lock-digest"
            if stamp.exists() and stamp.read_text() == wanted:
                return
            self._uv("venv", "--quiet", "--clear", "--python", sys.executable, str(self.place))
            # Hashes bind what builds a source package, too.
            constraints = ["--build-constraints", str(self.lock)]
            self._uv("pip", "sync", "--quiet", "--require-hashes", *constraints, str(self.lock))
            stamp.write_text(wanted)

    def _uv(self, *arguments: str) -> None:
        uv = Path(sys.executable).parent / "uv"
        environment = {**os.environ, "VIRTUAL_ENV": str(self.place)}
        done = subprocess.run(
            [str(uv), *arguments], check=False, env=environment, capture_output=True, text=True, timeout=SET_UP_S_MAX
        )
        assert done.returncode == 0, done.stderr


class Nursery:
    """Where sandboxes come from: see ``sandbox_nursery.py``."""

    def __init__(self) -> None:
        self._line, other = socket.socketpair()
        self._process = subprocess.Popen([sys.executable, str(HERE / "sandbox_nursery.py")], stdin=other)
        other.close()

    @contextmanager
    def start(self, mutation: str = "") -> Iterator[dict[str, Any]]:
        """A sandbox with a planted mistake, or a sound one: its control address, and how to reach its platforms."""
        stdin, lifeline = os.pipe()
        answer, stdout = os.pipe()
        socket.send_fds(self._line, [(mutation or "-").encode()], [stdin, stdout])
        os.close(stdin)
        os.close(stdout)
        with os.fdopen(answer) as told:
            try:
                line = told.readline()
                assert line.startswith("ready "), line
                addresses = json.loads(line.removeprefix("ready "))
                platforms = httpx.get(addresses["control"] + "/platforms", trust_env=False, timeout=60).json()
                yield {"control": addresses["control"], "platforms": platforms}
            finally:
                os.close(lifeline)
                told.read()  # until it has ended

    def close(self) -> None:
        self._line.close()
        self._process.wait(10)


def _judge(
    environment: Environment, sandbox: dict[str, Any], platform: str, mode: str, *, stop_at_first: bool
) -> tuple[int, dict[str, str]]:
    """Run a judge; its exit code, and for each check an empty text or what it found."""
    setting = {
        "control": sandbox["control"],
        "platform": sandbox["platforms"][platform],
        "mode": mode,
        "stop_at_first": stop_at_first,
    }
    script = HERE / f"judge_{environment.name}.py"
    if mode in ("account", "alliance"):  # the same client speaks to another platform of the same house
        script = HERE / f"judge_{environment.name}_{mode}.py"
    clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(
        [str(environment.python), str(script)],
        check=False,
        input=json.dumps(setting),
        env=clean,
        capture_output=True,
        text=True,
        timeout=JUDGE_S_MAX,
    )
    verdicts = [json.loads(line) for line in done.stdout.splitlines()]
    assert verdicts, done.stderr
    return done.returncode, {verdict["check"]: verdict["why"] for verdict in verdicts}


@pytest.fixture(scope="session")
def environments() -> dict[str, Environment]:
    made = {
        "wechatpay": Environment("wechatpayv3"),
        "wechatpay_older": Environment("wechatpy"),
        "wechat_account": Environment("wechatpy"),
        "taobao": Environment("taobao"),
        "pinduoduo_alliance": Environment("pinduoduo"),
        "jd_alliance": Environment("jdu"),
        "jd_alliance_second": Environment("jd_sdk"),
        "taobao_alliance": Environment("taobao"),
        "alipay": Environment("alipay_sdk"),
        "alipay_second": Environment("python_alipay_sdk"),
        "douyin_alliance": Environment("doudian"),
        STANDARD_WEBHOOKS: Environment("standardwebhooks"),
    }
    for environment in made.values():
        environment.prepare()
    return made


@pytest.fixture(scope="session")
def judge() -> Callable[..., tuple[int, dict[str, str]]]:
    return _judge


@pytest.fixture(scope="session")
def start_sandbox() -> Iterator[Callable[..., Any]]:
    nursery = Nursery()
    yield nursery.start
    nursery.close()
