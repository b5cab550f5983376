"""A home with its database open: started here, or attached to the hub that has it open already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec

from hutong.db.cluster import Cluster
from hutong.db.home import Home, lock_home, refuse_missing
from hutong.db.refusals import HomeInUse
from hutong.db.roles import DatabaseAddress, Login
from hutong.db.supervisor import EmbeddedServer

DATABASE_NAME: Final = "hutong"


class House(msgspec.Struct, frozen=True, kw_only=True):
    """An open home. ``admin_url`` is set where this process may set the database up, ``server`` where it has started it
    itself.
    """

    home: Home
    admin_url: str | None
    login: Login | None
    address: DatabaseAddress | None  # of a running hub, when attached
    server: EmbeddedServer | None = None


@contextmanager
def open_house(
    path: Path, database_url: str | None, *, attach: bool, demo: bool = False, must_exist: bool = False
) -> Iterator[House]:
    """Lock the home and start its database; or, with ``attach``, use the running hub's database when it is locked.

    ``must_exist``: for commands that are of no use without data; they make no home.

    Raises:
        HomeInUse: another process has the home, and ``attach`` is off.
        HomeNotThere: with ``must_exist``, where there is no data.
    """
    if must_exist:
        refuse_missing(path)
    with ExitStack() as stack:
        try:
            stack.enter_context(lock_home(path))
        except HomeInUse:
            if not attach:
                raise
            home = Home.open(path)
            address = DatabaseAddress(database_url or _running_url(home))
            yield House(home=home, admin_url=None, login=None, address=address)
            return
        home = Home.open(path, demo=demo)
        if database_url is not None:
            yield House(home=home, admin_url=database_url, login=None, address=None)
            return
        server = EmbeddedServer(home.path)
        admin_url = server.start()
        stack.callback(server.stop)
        yield House(home=home, admin_url=admin_url, login=home.login(), address=None, server=server)


def _running_url(home: Home) -> str:
    """The login's URL on the embedded server of the hub that runs on this home."""
    port = int(Cluster(home.path).port_file.read_text(encoding="ascii"))
    login = home.login()
    return f"postgresql://{login.name}:{quote(login.password, safe='')}@127.0.0.1:{port}/{DATABASE_NAME}"
