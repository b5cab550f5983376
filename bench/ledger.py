"""Posting on a hot account: every batch credits one account of the merchant, every caller waits until it is durable.

    make bench-ledger            PGLEDGER=… names a checkout (or bare clone) of pgr0ss/pgledger to measure beside it

Prints one JSON object a line; progress goes to standard error. The peer posts one transfer a call, as its interface
offers, so each of its callers has a connection: as many callers as ours have (64), 16 as in the measurements that set
the goal, and as many as serve it best here; each is told. The sides share one server, take turns, and run on the same
uvloop. Afterwards the books of the run are examined whole: a figure of books that do not hold is no figure.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import uvloop
from ledger_history import History
from ledger_peer import Peer
from ledger_rounds import Rounds, World, say

from hutong.db.supervisor import EmbeddedServer

#: Rounds of the main comparison; the sides alternate, the median counts.
ROUNDS: int = 5
ROUND_S: float = 4.0
SIDE_ROUNDS: int = 3
SIDE_ROUND_S: float = 2.5
#: The peer's callers need a connection each; the hub's own pools are small.
SERVER_SETTINGS: str = "max_connections = 100\n"


def progress(text: str) -> None:
    """For the person who waits."""
    print(text, file=sys.stderr, flush=True)


async def measure(server: EmbeddedServer) -> bool:
    """All figures, printed as they come; whether the books of the run hold."""
    world = await World.open(server)
    peer = await Peer.open(server, os.environ.get("PGLEDGER"))
    try:
        await world.conditions(peer)
        rounds = Rounds(world, peer, progress)
        await rounds.hot(ROUNDS, ROUND_S)
        for callers in (256, 1000):
            await rounds.side(f"ledger_hot_{callers}_per_s", callers, True, SIDE_ROUNDS, SIDE_ROUND_S)
        await rounds.side("ledger_uniform_per_s", 64, False, SIDE_ROUNDS, SIDE_ROUND_S)
        await History(world, progress).measure()
        return await rounds.verify()
    finally:
        await peer.close()
        await world.close()


def main() -> int:
    """Exit code 1 when the books of the run do not hold."""
    home = Path(tempfile.mkdtemp(prefix="hutong-bench-"))
    server = EmbeddedServer(home)
    try:
        server.start()
        server.stop()
        server.cluster.local_settings.write_text(SERVER_SETTINGS, encoding="utf-8")
        server.start()
        sound = uvloop.run(measure(server))
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)
    if not sound:
        say(bench="ledger", error="the books of the run do not hold")
    return 0 if sound else 1


if __name__ == "__main__":
    raise SystemExit(main())
