"""Starts many sandboxes quickly, each in a forked child with its own planted mistake.

Imports and the keys of a seed are most of a start; both are made once here. Standard input is a socket over which the
name of a mistake (``-`` for none) arrives together with the child's own standard input and output.
"""

from __future__ import annotations

import os
import signal
import socket
from typing import Any

import mutated_sandbox
import uvloop

from hutong_sandbox import keys
from hutong_sandbox.cli import main
from hutong_sandbox.server import Sandbox

SEED = 7
NAME_BYTES_MAX = 200
SOUND = "-"


def remember_primes() -> None:
    """The same stream at the same place gives the same prime: search for it once."""
    search, found = keys._prime, {}

    def prime(drbg: Any, bits: int) -> int:
        before = (drbg._key, drbg._counter, drbg._left, bits)
        if before not in found:
            found[before] = (search(drbg, bits), drbg._counter, drbg._left)
        number, drbg._counter, drbg._left = found[before]
        return number

    keys._prime = prime


async def make_keys() -> None:
    """All that a start makes of the seed."""
    sandbox = Sandbox(SEED, None)
    await sandbox.open(0)
    await sandbox.close()


def serve(name: str, stdin: int, stdout: int) -> None:
    """In the child: plant, then start as usual; it ends with its standard input."""
    os.dup2(stdin, 0)
    os.dup2(stdout, 1)
    os.close(stdin)
    os.close(stdout)
    if name != SOUND:
        mutated_sandbox.plant(name)
    main(["serve", "--port", "0", "--lifeline", "--seed", str(SEED)])


def run() -> None:
    """Serve until the other side is gone."""
    line = socket.socket(fileno=os.dup(0))
    remember_primes()
    uvloop.run(make_keys())
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        name, descriptors, _, _ = socket.recv_fds(line, NAME_BYTES_MAX, 2)
        if not name:
            return
        if os.fork() == 0:
            line.close()
            serve(name.decode(), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


if __name__ == "__main__":
    run()
