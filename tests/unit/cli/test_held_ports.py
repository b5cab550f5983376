"""Ports for the parts of story and demo: neighbours, free, and none that the kernel hands out meanwhile."""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import ExitStack

import pytest

from hutong.cli import processes
from hutong.cli.processes import PORT_MIN, SANDBOX_PORTS, PartFailed, held_ports
from hutong_sandbox.server import Sandbox

COUNT = 4


def given_port() -> int:
    """What the kernel gives to whoever asks for any port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_nobody_who_asks_for_any_port_gets_one_of_them():
    lowest_given = min(given_port() for _ in range(200))
    for _ in range(50):
        with held_ports(COUNT) as port:
            assert PORT_MIN <= port < port + COUNT <= lowest_given


def test_ports_in_use_are_passed_over(monkeypatch):
    with ExitStack() as stack:
        taken = stack.enter_context(socket.socket())
        taken.bind(("127.0.0.1", 0))
        used = int(taken.getsockname()[1])
        starts = iter([used - 3 - PORT_MIN, used - PORT_MIN])
        monkeypatch.setattr(processes.secrets, "randbelow", lambda _: next(starts, 7))
        with held_ports(COUNT) as port:
            assert port not in range(used - COUNT + 1, used + 1)


def test_a_machine_without_free_ports_is_told_so(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setattr(processes.secrets, "randbelow", lambda _: taken.getsockname()[1] - PORT_MIN)
        with pytest.raises(PartFailed), held_ports(1):
            pass


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a port is free or in use, and cannot be held")
def test_nobody_else_gets_a_port_whose_owner_does_not_listen_yet(monkeypatch):
    with held_ports(COUNT) as port:
        starts = iter([port + COUNT - 1 - PORT_MIN, port - PORT_MIN])
        monkeypatch.setattr(processes.secrets, "randbelow", lambda _: next(starts, 7))
        with held_ports(COUNT) as other:
            assert not {*range(port, port + COUNT)} & {*range(other, other + COUNT)}


@pytest.mark.parametrize("option", [socket.SO_REUSEADDR, socket.SO_REUSEPORT])
def test_its_owner_listens_and_is_reached_on_a_port_that_is_held(option):
    with held_ports(1) as port, socket.socket() as owner:
        owner.setsockopt(socket.SOL_SOCKET, option, 1)
        owner.bind(("127.0.0.1", port))
        owner.listen()
        with socket.create_connection(("127.0.0.1", port), timeout=5) as caller:
            accepted, address = owner.accept()
            accepted.close()
            assert address == caller.getsockname()


def test_the_sandbox_takes_as_many_ports_as_are_held_for_it():
    with held_ports(SANDBOX_PORTS + COUNT) as port:
        listening = asyncio.run(_taken(port, SANDBOX_PORTS + COUNT))
    assert listening == [*range(port, port + SANDBOX_PORTS)]


async def _taken(port: int, count: int) -> list[int]:
    sandbox = Sandbox(1, None)
    await sandbox.open(port)
    taken = [number for number in range(port, port + count) if _answers(number)]
    await sandbox.close()
    return taken


def _answers(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0
