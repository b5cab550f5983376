"""The operating-system account that PostgreSQL runs as: never root."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any, Final

import msgspec

from hutong.db.refusals import HomeUnusable

#: Exists everywhere; PostgreSQL refuses an unlisted uid.
UNPRIVILEGED_NAME: Final = "nobody"


class Account(msgspec.Struct, frozen=True):
    """A uid and gid; ``switch`` tells whether we have to change to it because we are root."""

    uid: int
    gid: int
    switch: bool

    def popen_arguments(self) -> dict[str, Any]:
        """What ``subprocess`` needs to run a child as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}

    def own(self, path: Path) -> None:
        """Give a path to this account (the path itself, never what is above it)."""
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def database_account(cluster_folder: Path) -> Account:
    """Ourselves, or, as root, the owner of the existing cluster, else ``nobody``.

    Raises:
        HomeUnusable: no such account in the system's list.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    try:
        owner = cluster_folder.stat().st_uid
    except FileNotFoundError:
        owner = 0
    try:
        entry = pwd.getpwuid(owner) if owner else pwd.getpwnam(UNPRIVILEGED_NAME)
    except KeyError as error:
        raise HomeUnusable(home=str(cluster_folder.parent), problem=f"uid {owner}") from error
    return Account(entry.pw_uid, entry.pw_gid, switch=True)


def can_traverse(path: Path, account: Account) -> bool:
    """Whether the mode bits let the account reach ``path`` from the root directory."""
    resolved = path.resolve()
    return all(_may_enter(folder, account) for folder in (*resolved.parents, resolved) if folder.is_dir())


def _may_enter(folder: Path, account: Account) -> bool:
    found = folder.stat()
    if found.st_uid == account.uid:
        return bool(found.st_mode & 0o100)
    if found.st_gid == account.gid:
        return bool(found.st_mode & 0o010)
    return bool(found.st_mode & 0o001)
