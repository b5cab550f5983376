"""Two hubs never share a port: each would get callers and callbacks of the other."""

from __future__ import annotations

import socket

import pytest

from hutong.cli.processes import PortTaken
from hutong.cli.serve import free_port, held_port, refuse_taken_port

HOST = "127.0.0.1"


@pytest.mark.parametrize("shares", [False, True])
def test_a_port_on_which_somebody_listens_is_refused(shares):
    with socket.socket() as other:
        if shares:  # as the hub's own server does
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind((HOST, 0))
        other.listen()
        with pytest.raises(PortTaken):
            refuse_taken_port(HOST, other.getsockname()[1])


def test_a_free_port_is_taken():
    refuse_taken_port(HOST, free_port(HOST))


def test_of_two_that_begin_at_once_one_has_the_port():
    port = free_port(HOST)
    with held_port(HOST, port):
        with pytest.raises(PortTaken), held_port(HOST, port):
            pass
        with held_port(HOST, free_port(HOST)), held_port(HOST, 0), held_port(HOST, 0):
            pass
    with held_port(HOST, port):
        pass
