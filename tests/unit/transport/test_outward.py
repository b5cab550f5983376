"""Sends to addresses that merchants chose, to a real server on loopback."""

from __future__ import annotations

import asyncio
import socket
import threading

from hutong.transport import outward
from hutong.transport.outward import LOOKUPS_AT_ONCE_MAX, OutwardSender, Trouble
from hutong.webhooks.courier import HEALTHY_AT_ONCE_MAX, SENDS_PER_ENDPOINT_MAX, TROUBLED_AT_ONCE_MAX

ANSWER = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok"
CONNECT_S = 0.3
ANSWER_S = 3 * CONNECT_S


def test_whoever_waits_for_many_slow_answers_keeps_nobody_from_connecting(monkeypatch):
    monkeypatch.setattr(outward, "CONNECT_TIMEOUT_S", CONNECT_S)

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(ANSWER_S)
        writer.write(ANSWER)
        await writer.drain()
        writer.close()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=256)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        sender = OutwardSender(trial=True)
        sends = HEALTHY_AT_ONCE_MAX * SENDS_PER_ENDPOINT_MAX + TROUBLED_AT_ONCE_MAX
        try:
            told = await asyncio.gather(*(sender.post(url, {}, b"{}") for _ in range(sends)))
        finally:
            await sender.close()
            server.close()
        assert {(one.status, one.trouble) for one in told} == {(200, None)}
        assert len(told) == sends

    asyncio.run(main())


def test_a_name_whose_servers_are_silent_holds_one_look_up_however_many_messages_go_there(monkeypatch):
    silent, asked, look_up = threading.Event(), [], socket.getaddrinfo

    def getaddrinfo(host, *rest):
        asked.append(host)
        if host == "silent.example.com":
            silent.wait(10)
            raise socket.gaierror
        return look_up(host, *rest)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(outward, "CONNECT_TIMEOUT_S", CONNECT_S)

    async def main():
        sender = OutwardSender(trial=True)
        many = [sender.post("https://silent.example.com/", {}, b"{}") for _ in range(LOOKUPS_AT_ONCE_MAX)]
        waiting = asyncio.gather(*many)
        try:
            await asyncio.sleep(0)
            other = await sender.post("https://localhost:1/", {}, b"{}")
            assert other.trouble is Trouble.UNREACHABLE, "it was looked up, and nobody listens there"
            assert {one.trouble for one in await waiting} == {Trouble.TIMEOUT}
            assert asked.count("silent.example.com") == 1
        finally:
            silent.set()
            await sender.close()

    asyncio.run(main())
