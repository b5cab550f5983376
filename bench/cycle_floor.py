"""What a payment cycle costs on this web server and HTTP client with nothing of the hub behind them: the floor.

For each cycle the door takes two requests, as the hub does: "pay", for which it signs a request, sends it to a wallet
and verifies the answer; and the wallet's callback, which it verifies and opens. Nothing is looked up, decided, kept or
committed: there is no database. Server and client are the hub's own, with its settings; the cryptography is called as
the connectors call it, over as many bytes. What the hub adds to this is its own work, PostgreSQL's included.

Run as a program with ``--serve PORT WALLET`` it is the door; :func:`floor_s` starts it, as its buyer and its wallet.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec
import uvloop
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.embed import Server
from processes import cpu_s
from wire import Wire

from hutong.app import SERVER_LOGGER
from hutong.cli.processes import held_ports
from hutong.crypto.rsa import sign_sha256, verify_sha256
from hutong.transport.client import HttpPool
from hutong.transport.messages import Request
from hutong.transport.pacing import Pace

#: Bytes that are signed for a request, of a wallet's answer, and of what a callback seals; as in the real cycle.
REQUEST_BYTES, ANSWER_BYTES, SEALED_BYTES = 600, 120, 900
LOOPBACK = "127.0.0.1"
WARM_CYCLES = 200
ACCEPTING_TRIES = 200


class Door:
    """The two requests of a cycle, by address."""

    def __init__(self, wallet_url: str, client: Any) -> None:  # noqa: ANN401 (the pool's client of one account)
        self._client = client
        self._key = rsa.generate_private_key(65537, 2048)
        self._public = self._key.public_key()
        self._request, self._answer = b"r" * REQUEST_BYTES, b"a" * ANSWER_BYTES
        self._answer_signature = sign_sha256(self._key, self._answer)
        seal, self._nonce = AESGCM(os.urandom(32)), os.urandom(12)
        self._seal, self._sealed = (
            seal,
            seal.encrypt(self._nonce, msgspec.json.encode("x" * SEALED_BYTES), b"transaction"),
        )
        self._callback = self._sealed * 2
        self._callback_signature = sign_sha256(self._key, self._callback)
        self._url = f"{wallet_url}/v3/pay/transactions/h5"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI)
        """One request."""
        if scope["type"] != "http":
            return
        body = (await receive())["body"]
        status, told = await self.pay(body) if scope["path"].startswith("/c/") else self.callback(body)
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": told})

    async def pay(self, body: bytes) -> tuple[int, bytes]:
        """Sign, send, verify."""
        msgspec.json.decode(body)
        signature = sign_sha256(self._key, self._request)
        headers = {"authorization": signature.hex(), "content-type": "application/json"}
        sent = Request(method="POST", url=self._url, headers=headers, body=self._request)
        answer = await self._client.send(sent)
        assert answer.status == 200
        assert verify_sha256(self._public, self._answer_signature, self._answer)
        return 200, b"{}"

    def callback(self, body: bytes) -> tuple[int, bytes]:
        """Verify and open."""
        msgspec.json.decode(body)
        assert verify_sha256(self._public, self._callback_signature, self._callback)
        msgspec.json.decode(self._seal.decrypt(self._nonce, self._sealed, b"transaction"))
        return 200, b""


async def serve(port: int, wallet_url: str) -> None:
    """The door, until standard input ends."""
    async with HttpPool() as pool:
        door = Door(wallet_url, pool.account("floor", "floor", Pace(calls=100_000, seconds=1)))
        server: Any = Server(
            door,
            address=LOOPBACK,
            port=port,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            log_level=LogLevels.warning,
            log_dictconfig={"loggers": {SERVER_LOGGER: {"handlers": [], "propagate": True}}},
        )
        serving = asyncio.create_task(server.serve())
        await _accepting(port)
        print("ready", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        server.stop()
        await asyncio.wait([serving], timeout=5)


async def _accepting(port: int) -> None:
    """Wait until the server takes connections."""
    for _ in range(ACCEPTING_TRIES):
        try:
            _, writer = await asyncio.open_connection(LOOPBACK, port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise TimeoutError("the bare door takes no connections")


async def _wallet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers every request with the same bytes: what a wallet costs is not counted."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % ANSWER_BYTES + b"a" * ANSWER_BYTES
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            writer.write(answer)
    except asyncio.IncompleteReadError:
        writer.close()


async def _drive(url: str, numbers: Iterator[int], callers: int) -> None:
    callback = {"resource": {"ciphertext": "x" * (SEALED_BYTES * 4 // 3)}}

    async def buyer() -> None:
        door = Wire(url)
        for number in numbers:
            for path, body in (
                (f"/c/{number}/pay", {"method": "h5", "platform": "wechatpay"}),
                ("/callbacks", callback),
            ):
                status, _ = await door.post(path, body)
                assert status == 200, path
        door.close()

    await asyncio.gather(*(buyer() for _ in range(callers)))


async def _measure(cycles: int, callers: int) -> float:
    wallet = await asyncio.start_server(_wallet, LOOPBACK, 0)
    with held_ports(1) as port:
        return await _measure_at(port, wallet, cycles, callers)


async def _measure_at(port: int, wallet: asyncio.Server, cycles: int, callers: int) -> float:
    host, wallet_port = wallet.sockets[0].getsockname()[:2]
    pipe = asyncio.subprocess.PIPE
    arguments = [__file__, "--serve", str(port), f"http://{host}:{wallet_port}"]
    door = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdin=pipe, stdout=pipe)
    assert door.stdin is not None
    assert door.stdout is not None
    try:
        await door.stdout.readline()
        url = f"http://{LOOPBACK}:{port}"
        await _drive(url, iter(range(WARM_CYCLES)), callers)
        before = sum(cpu_s(door.pid).values())
        await _drive(url, iter(range(cycles)), callers)
        spent = sum(cpu_s(door.pid).values()) - before
    finally:
        door.stdin.close()
        await door.wait()
        wallet.close()
    return spent / cycles


def floor_s(cycles: int, callers: int) -> float:
    """Processor seconds of one cycle at the bare door."""
    return uvloop.run(_measure(cycles, callers))


if __name__ == "__main__":
    assert urlsplit(sys.argv[3]).hostname == LOOPBACK
    uvloop.run(serve(int(sys.argv[2]), sys.argv[3]))
