"""The files of one embedded PostgreSQL cluster: where they lie, how they are made, what their settings are."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hutong.db.account import Account
from hutong.db.binaries import Binaries
from hutong.db.refusals import DatabaseMissing, DatabaseNotStarted, DatabaseVersionMismatch

SUPERUSER: Final = "postgres"
PASSWORD_BYTES: Final = 24
INITDB_TIMEOUT_S: Final = 120.0
#: The server's own log starts anew at a start that finds it larger; one older file is kept.
LOG_BYTES_MAX: Final = 8 * 1024 * 1024
LOG_TAIL_BYTES: Final = 4096
#: First major version with a collation of its own, independent of the system's C library.
BUILTIN_LOCALE_MAJOR: Final = 17

#: Written whole at every start; a merchant's own changes go to ``postgres/local.conf``, which is read last.
SETTINGS: Final = """\
# Written by hutong at every start. Put your own changes into ../local.conf; they are appended here.
listen_addresses = '127.0.0.1'          # never reachable from another machine
unix_socket_directories = '../socket'   # private folder (0700), relative because the path may be long
unix_socket_permissions = 0700
password_encryption = 'scram-sha-256'
max_connections = 60                    # web, jobs and edge pools of one machine; each connection costs memory
superuser_reserved_connections = 3
shared_buffers = 128MB                  # a small VPS has 2 GB for everything
effective_cache_size = 512MB            # what the system's page cache is likely to hold for us there
random_page_cost = 1.1                  # a shop's hot rows are in memory: find them by index, never by reading a table
work_mem = 8MB                          # per sort and connection: 60 connections must not eat the machine
maintenance_work_mem = 64MB
max_worker_processes = 4
max_parallel_workers_per_gather = 0     # two cores are shared with the web; also spares /dev/shm in containers
max_parallel_maintenance_workers = 0
autovacuum_max_workers = 2
autovacuum_naptime = 5s                 # a new shop grows tenfold in minutes; plans made of old figures cost more
fsync = on                              # an acknowledged row survives a power cut
synchronous_commit = on
full_page_writes = on
wal_level = replica                     # base backups stay possible
max_wal_senders = 2
max_wal_size = 512MB                    # bounds recovery time and disk use
min_wal_size = 32MB
checkpoint_timeout = 5min
wal_compression = pglz                  # fewer bytes to fsync on a slow disk
jit = off                               # our statements are short
idle_in_transaction_session_timeout = 5min   # a stuck client must not hold back vacuum for ever
tcp_keepalives_idle = 30
log_min_messages = log                  # statements' errors are reported by the application, without personal data
log_min_error_statement = panic         # never write a statement into the log
log_error_verbosity = terse             # nor the row that a DETAIL line would show
log_checkpoints = off
log_autovacuum_min_duration = -1
log_line_prefix = '%m [%p] '
log_timezone = 'UTC'
timezone = 'UTC'
datestyle = 'iso, ymd'
lc_messages = 'C'
default_text_search_config = 'pg_catalog.simple'
"""

#: Passwords on every way in; nobody but this machine.
ACCESS: Final = """\
# Written by hutong at every start.
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
"""


class Cluster:
    """The folder ``postgres`` of a home: ``data``, ``socket``, the superuser's password, log and port."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "postgres"
        self.data = self.folder / "data"
        self.socket = self.folder / "socket"
        self.password_file = self.folder / "superuser.password"
        self.port_file = self.folder / "port"
        self.log_file = self.folder / "server.log"
        self.lock_file = self.folder / "lock"
        self.pid_file = self.data / "postmaster.pid"
        self.local_settings = self.folder / "local.conf"
        #: Outside the folder, so that the loss of the whole folder is noticed.
        self.made_mark = home / "postgres.made"

    def token(self) -> str:
        """A word that stands in the command line of every process of this cluster, and of no other.

        Made from the identity of the data folder (device and inode), so that a copy of a home has its own.
        """
        found = self.data.stat()
        return "hutong-" + hashlib.sha256(f"{found.st_dev}:{found.st_ino}".encode()).hexdigest()[:16]

    def password(self) -> str:
        """The superuser's password."""
        return self.password_file.read_text(encoding="ascii").strip()

    def make_folders(self, account: Account) -> None:
        """Create the private folders. As root they belong to the account; nothing above them is touched."""
        for folder in (self.folder, self.socket):
            if not folder.exists():
                folder.mkdir(mode=0o700)
                account.own(folder)

    def ensure(self, binaries: Binaries, account: Account) -> bool:
        """Make the cluster on a fresh home (True); on any other, check that it is whole and of our version.

        Raises:
            DatabaseMissing: it was made before and is gone.
            DatabaseVersionMismatch: another major version wrote it.
            DatabaseNotStarted: ``initdb`` failed.
        """
        fresh = not self.data.exists()
        if fresh:
            if self.made_mark.exists():
                raise DatabaseMissing(home=str(self.home))
            self._initialise(binaries, account)
        found = (self.data / "PG_VERSION").read_text(encoding="ascii").strip()
        if found != str(binaries.major):
            raise DatabaseVersionMismatch(found=found, expected=binaries.major)
        self.made_mark.touch(mode=0o600)
        return fresh

    def _initialise(self, binaries: Binaries, account: Account) -> None:
        """``initdb`` into a new folder, renamed when complete, so that a half-made cluster is never taken for one.

        ``--no-sync`` here: :func:`sync_command` writes the thousand files to disk while the server is up already.
        """
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        account.own(fresh)
        self._write_password(account)
        locale = (
            ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            if binaries.major >= BUILTIN_LOCALE_MAJOR
            else ["--locale=C.UTF-8"]
        )
        with reachable(self.folder, account) as (base, descriptors):
            command = [
                *(binaries.program("initdb"), "-D", f"{base}/{fresh.name}", "-U", SUPERUSER, "--no-sync"),
                *("--encoding=UTF8", *locale, "--auth=scram-sha-256", f"--pwfile={base}/{self.password_file.name}"),
                "--no-instructions",
            ]
            try:
                ran = subprocess.run(
                    command,
                    cwd=fresh,
                    env=server_environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    check=False,
                    timeout=INITDB_TIMEOUT_S,
                    umask=0o077,
                    pass_fds=descriptors,
                    **account.popen_arguments(),
                )
            except subprocess.TimeoutExpired as error:
                raise DatabaseNotStarted(problem="initdb", log=str(self.log_file)) from error
        if ran.returncode:
            self.log_file.write_bytes(ran.stdout)
            raise DatabaseNotStarted(problem=f"initdb: {_last_line(ran.stdout)}", log=str(self.log_file))
        fresh.rename(self.data)

    def _write_password(self, account: Account) -> None:
        self.password_file.unlink(missing_ok=True)
        descriptor = os.open(self.password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_urlsafe(PASSWORD_BYTES) + "\n")
        account.own(self.password_file)

    def write_settings(self, account: Account) -> None:
        """Settings and access rules, written whole at every start."""
        own = self.local_settings.read_text(encoding="utf-8") if self.local_settings.exists() else ""
        for name, text in (("postgresql.conf", SETTINGS + own), ("pg_hba.conf", ACCESS)):
            path = self.data / name
            path.write_text(text, encoding="utf-8")
            path.chmod(0o600)
            account.own(path)

    def turn_log(self) -> None:
        """Set a large log aside."""
        with contextlib.suppress(FileNotFoundError):
            if self.log_file.stat().st_size > LOG_BYTES_MAX:
                self.log_file.replace(self.log_file.with_suffix(".log.1"))

    def postmaster(self) -> tuple[int, str] | None:
        """Process id and status ("starting", "ready", …) from ``postmaster.pid``; None when there is none yet."""
        try:
            lines = self.pid_file.read_text(encoding="utf-8").splitlines()
            return int(lines[0]), lines[7].strip() if len(lines) > 7 else "starting"
        except (OSError, ValueError, IndexError):
            return None

    def started_by_hand(self) -> list[int]:
        """The process named by ``postmaster.pid`` when it works in our data folder though we did not start it.

        The number alone proves nothing: after a crash or in a container it soon belongs to somebody else.
        """
        found = self.postmaster()
        if found is None or sys.platform != "linux":
            return []
        process = Path(f"/proc/{found[0]}")
        try:
            return [found[0]] if (process / "cwd").samefile(self.data) else []
        except PermissionError:  # root without ptrace rights, as in a container
            return [found[0]] if (process / "comm").read_text().strip() == "postgres" else []
        except OSError:
            return []

    def log_tail(self) -> list[str]:
        """The last lines of the server's log."""
        try:
            with self.log_file.open("rb") as stream:
                stream.seek(max(0, self.log_file.stat().st_size - LOG_TAIL_BYTES))
                return stream.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return []

    def failure(self) -> str:
        """What the server itself says about its end, for an error's sentence."""
        lines = self.log_tail()
        fatal = [line for line in lines if "FATAL:" in line or "PANIC:" in line]
        return (fatal or lines or [""])[-1]


def sync_command(binaries: Binaries) -> list[str]:
    """Flushes every file of a new cluster to disk; may run beside the server. ``{folder}`` is for the lifeline."""
    return [binaries.program("initdb"), "--sync-only", "-D", "{folder}/data"]


@contextlib.contextmanager
def reachable(folder: Path, account: Account) -> Iterator[tuple[str, tuple[int, ...]]]:
    """A path by which the account reaches the folder, and the descriptors that the child must inherit for it.

    As root on Linux the home may lie under a folder that the account cannot enter. A child that inherits the open
    folder names it ``/proc/self/fd/N``, which does not walk the path; so no mode above the folder has to change.
    """
    if not (account.switch and sys.platform == "linux"):
        yield str(folder), ()
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}", (descriptor,)
    finally:
        os.close(descriptor)


def server_environment() -> dict[str, str]:
    """A bare environment: no secret of ours reaches the server."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _last_line(output: bytes) -> str:
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""
