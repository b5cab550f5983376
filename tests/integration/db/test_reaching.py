"""A database that cannot be reached is told in a sentence with cause and fix, in either language: never as a traceback,
never with the password.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from hutong.app import bring_up_to_date
from hutong.db.home import Home
from hutong.db.reaching import DatabaseNotThere, DatabaseUnreachable, DatabaseUrlWrong, LoginRefused, connect
from hutong.db.roles import DatabaseAddress, ensure_roles

pytestmark = pytest.mark.slow

HUTONG = Path(sys.executable).parent / "hutong"
SECRET = os.urandom(9).hex()
COMMANDS = (("doctor",), ("serve", "--port", "0"), ("import", "orders", "{file}", "--platform", "generic"))


@pytest.fixture
def guest(server):
    """The server's URL for a user who may make nothing."""
    name = f"guest_{os.urandom(4).hex()}"

    async def make():
        connection = await asyncpg.connect(server.url("postgres"))
        await connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{SECRET}'")
        await connection.close()

    asyncio.run(make())
    place = urlsplit(server.url("postgres"))
    return lambda database, password=SECRET: f"postgresql://{name}:{password}@127.0.0.1:{place.port}/{database}"


@pytest.fixture
def closed():
    """A URL at a port where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"postgresql://hub:{SECRET}@127.0.0.1:{taken.getsockname()[1]}/hub"


@pytest.fixture
def stranger():
    """A URL at a server that speaks something else and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet():
            while True:
                try:
                    caller, _ = listener.accept()
                except OSError:
                    return
                caller.recv(100)
                caller.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                caller.close()

        threading.Thread(target=greet, daemon=True).start()
        yield f"postgresql://hub:{SECRET}@127.0.0.1:{listener.getsockname()[1]}/hub"


def run(url, home, *command, language="zh_CN.UTF-8"):
    file = home / "orders.csv"
    home.mkdir(exist_ok=True)
    Home.open(home / "hub")  # commands that look at what is there make none
    file.write_text("a,b\n")
    environment = {**os.environ, "HUTONG_HOME": str(home / "hub"), "HUTONG_DATABASE_URL": url, "LC_ALL": language}
    call = [HUTONG, *(part.format(file=file) for part in command)]
    return subprocess.run(call, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize(
    ("language", "sentence"),
    [("zh_CN", "连不上数据库"), pytest.param("en_US", "cannot be reached", marks=pytest.mark.long)],
)
def test_each_command_says_so_and_ends(closed, tmp_path, command, language, sentence):
    done = run(closed, tmp_path, *command, language=language)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "HUTONG_DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert SECRET not in done.stderr + done.stdout


def kinds(guest, closed, stranger):
    return {
        closed: DatabaseUnreachable,
        stranger: DatabaseUnreachable,
        f"postgresql://hub:{SECRET}@nobody.invalid/hub": DatabaseUnreachable,
        guest("postgres", "wrong"): LoginRefused,
        guest("nosuch"): DatabaseNotThere,
        f"postgresql://hub:{SECRET}@127.0.0.1:port/hub": DatabaseUrlWrong,
        f"mysql://hub:{SECRET}@127.0.0.1/hub": DatabaseUrlWrong,
        f"postgresql://hub:{SECRET}@127.0.0.1/hub?sslmode=perhaps": DatabaseUrlWrong,
    }


def test_each_reason_has_its_own_words(guest, closed, stranger):
    for url, refusal in kinds(guest, closed, stranger).items():
        with pytest.raises(refusal) as caught:
            asyncio.run(connect(url))
        told = " ".join(str(value) for value in caught.value.details.values())
        assert SECRET not in told
        assert caught.value.details


def test_so_do_the_first_steps_of_a_start(guest, closed, stranger):
    for url, refusal in kinds(guest, closed, stranger).items():
        with pytest.raises(refusal):
            asyncio.run(bring_up_to_date(DatabaseAddress(url)))
        if refusal is not DatabaseNotThere:  # there it is told what an administrator runs
            with pytest.raises(refusal):
                asyncio.run(ensure_roles(url, "hub"))


def test_a_database_that_may_not_be_made_is_told_with_the_sql(guest, tmp_path):
    done = run(guest("nosuch"), tmp_path, "serve", "--port", "0")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert 'CREATE DATABASE "nosuch"' in done.stderr


@pytest.mark.parametrize("which", [0, *(pytest.param(one, marks=pytest.mark.long) for one in range(1, 8))])
def test_no_reason_is_a_traceback(guest, closed, stranger, tmp_path, which):
    url = list(kinds(guest, closed, stranger))[which]
    done = run(url, tmp_path, "doctor")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stderr
    assert len(done.stderr.splitlines()) >= 3


@pytest.mark.parametrize(("language", "sentence"), [("zh_CN", "没有数据库“nosuch”"), ("en_US", "no database “nosuch”")])
def test_the_doctor_makes_no_database(server, tmp_path, language, sentence):
    """Also as somebody who may: a mistyped name is told, not set up."""
    done = run(server.url("nosuch"), tmp_path, "doctor", language=language)
    assert (done.returncode, done.stdout) == (1, "")
    assert sentence in done.stderr


def test_nor_does_it_set_one_up_that_is_not_ours(server, tmp_path):
    done = run(server.url("postgres"), tmp_path, "doctor", language="en_US")
    assert (done.returncode, done.stdout) == (1, "")
    assert "holds no data of hutong" in done.stderr
