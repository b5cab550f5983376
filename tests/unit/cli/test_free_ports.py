"""Ports for the parts of story and demo: neighbours, free, and none that the kernel hands out meanwhile."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest

from hutong.cli import processes
from hutong.cli.processes import PORT_MIN, PartFailed, free_ports

COUNT = 4


def given_port() -> int:
    """What the kernel gives to whoever asks for any port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_nobody_who_asks_for_any_port_gets_one_of_them():
    lowest_given = min(given_port() for _ in range(200))
    for _ in range(50):
        port = free_ports(COUNT)
        assert PORT_MIN <= port < port + COUNT <= lowest_given


def test_ports_in_use_are_passed_over(monkeypatch):
    with ExitStack() as stack:
        taken = stack.enter_context(socket.socket())
        taken.bind(("127.0.0.1", 0))
        used = int(taken.getsockname()[1])
        starts = iter([used - 3 - PORT_MIN, used - PORT_MIN])
        monkeypatch.setattr(processes.secrets, "randbelow", lambda _: next(starts, 7))
        assert free_ports(COUNT) not in range(used - COUNT + 1, used + 1)


def test_a_machine_without_free_ports_is_told_so(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setattr(processes.secrets, "randbelow", lambda _: taken.getsockname()[1] - PORT_MIN)
        with pytest.raises(PartFailed):
            free_ports(1)
