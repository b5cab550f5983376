"""The home: one private directory that holds everything of one hub. Never two hubs on it, never made anew over data."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Final

from hutong.db.keyring import Keyring, write_private
from hutong.db.refusals import DataVersionMismatch, HomeInUse, HomeNotDemo, HomeNotThere, HomeUnusable, NotAHome
from hutong.db.roles import LOGIN, Login

#: Layout of a home's files. Rises only when an older program could no longer read it; migrations move tables, not this.
DATA_VERSION: Final = "1"
PASSWORD_BYTES: Final = 24
#: What a directory may hold and still count as empty.
_IGNORED: Final = frozenset({"lock", "lost+found", "vault.key", "vault.check", "vault.key.new", "vault.check.new"})


class Home:
    """Paths of a home and the marks in it. Make one by :meth:`open`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.version_file = path / "version"
        self.demo_mark = path / "demo"
        self.vault_key = path / "vault.key"
        self.login_file = path / "login.password"
        self.files = path / "files"

    @classmethod
    def open(cls, path: Path, *, demo: bool = False) -> Home:
        """The home at ``path``: made (0700) when missing or empty, checked when it holds data.

        Take :func:`lock_home` first where another process might open it too. ``demo`` marks a home that is being
        made; an existing home that is not marked is refused.

        Raises:
            HomeUnusable: not a directory, or not permitted.
            NotAHome: other files are there.
        HomeNotDemo: ``demo`` was asked for, but the home holds real data.
            DataVersionMismatch: another version wrote it.
            VaultKeyMissing, VaultKeyWrong: sealed data without its key.
        """
        home = cls(make_folder(path))
        try:
            found = home.contents()
        except OSError as error:
            raise HomeUnusable(home=str(path), problem=error.strerror or str(error)) from error
        if home.version_file.name in found:
            home._check()
            if demo and not home.is_demo:
                raise HomeNotDemo(home=str(path))
        elif found:
            raise NotAHome(home=str(path), found=min(found))
        else:
            home._make(demo=demo)
        return home

    def contents(self) -> set[str]:
        """Names in the home that count as data."""
        return {entry.name for entry in self.path.iterdir()} - _IGNORED

    @property
    def is_demo(self) -> bool:
        """Whether story, demo, storm and restore may write here although it is not empty."""
        return self.demo_mark.exists()

    def keyring(self) -> Keyring:
        """The master keys."""
        return Keyring.load(self.vault_key)

    def login(self) -> Login:
        """The embedded database's login; its password is made once and kept here (0600)."""
        if not self.login_file.exists():
            write_private(self.login_file, secrets.token_urlsafe(PASSWORD_BYTES).encode("ascii"))
        return Login(LOGIN, self.login_file.read_text(encoding="ascii").strip())

    def _make(self, *, demo: bool) -> None:
        """A fresh home. The version is written last: until then a crash leaves a home that still counts as empty."""
        try:
            if not self.vault_key.exists():
                self.vault_key.with_name("vault.check").unlink(missing_ok=True)
                Keyring.create(self.vault_key)
            if demo:
                write_private(self.demo_mark, b"")
            write_private(self.version_file, DATA_VERSION.encode("ascii"))
            self.files.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise HomeUnusable(home=str(self.path), problem=error.strerror or str(error)) from error

    def _check(self) -> None:
        found = self.version_file.read_text(encoding="utf-8", errors="replace").strip()[:32]
        if found != DATA_VERSION:
            raise DataVersionMismatch(home=str(self.path), found=found, expected=DATA_VERSION)
        self.keyring()


class HomeLock:
    """An exclusive lock on a home; held until released or until this process ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Let go."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> HomeLock:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


def make_folder(path: Path) -> Path:
    """The directory, made 0700 when missing; what is above it keeps its modes.

    Raises:
        HomeUnusable: it cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_dir():
            path.mkdir(mode=0o700)
    except OSError as error:
        raise HomeUnusable(home=str(path), problem=error.strerror or str(error)) from error
    return path.resolve()


def refuse_missing(home: Path) -> None:
    """Look whether something is kept there, without touching it; what is wrong with it, :meth:`Home.open` tells.

    Raises:
        HomeNotThere: no directory, or an empty one.
        HomeUnusable: not a directory, or not permitted.
    """
    try:
        if not home.exists() or not Home(home).contents():
            raise HomeNotThere(home=str(home))
    except OSError as error:
        raise HomeUnusable(home=str(home), problem=error.strerror or str(error)) from error


def refuse_held(home: Path) -> None:
    """Look whether another process has the home, and make none where there is none.

    Raises:
        HomeInUse: it has; says which.
        HomeUnusable: no permission.
    """
    if (home / "lock").exists():
        lock_home(home).release()


def lock_home(home: Path) -> HomeLock:
    """Lock a home for this process.

    Raises:
        HomeInUse: another process holds it; says which.
        HomeUnusable: no permission.
    """
    folder = make_folder(home)
    try:
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise HomeUnusable(home=str(home), problem=error.strerror or str(error)) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        raise HomeInUse(home=str(home), pid=holder or "?") from error
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
    return HomeLock(descriptor)
