"""A merchant's own system that hears ``payment.*`` from the hub, and is down for more than a day of the virtual clock.

It counts what it heard, by the id of the event; at the end each event of the outbox must be among it, and nothing may
have been told as paid that was not.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from restartable import World

ANSWER = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"
#: So long what waits may take to arrive after the receiver is up again.
ARRIVE_S = 1800.0
LOOK_S = 0.5
#: While it is up each so manieth message is heard and not answered: the hub must send it again, under the same id.
UNANSWERED_EVERY = 40


class Receiver:
    """Listens on a loopback port of its own, which stays the same."""

    def __init__(self) -> None:
        self.heard: dict[str, list[dict[str, Any]]] = {}
        self.count = 0
        self.port = 0
        self.answers_all = False
        self._server: asyncio.Server | None = None

    @property
    def is_up(self) -> bool:
        """Whether it listens."""
        return self._server is not None

    async def up(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Refuse connections from now on."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    def register(self, world: World) -> None:
        """Tell the hub where to send ``payment.*``."""
        body = {"url": f"http://127.0.0.1:{self.port}/events", "title": "ERP", "event_types": ["payment.*"]}
        with world.api() as api:
            api.post("/webhooks", json=body).raise_for_status()

    async def all_arrived(self, world: World, advance: Callable[[int], Awaitable[None]]) -> bool:
        """Wait until nothing is on its way any more; False where it takes too long.

        From now on everything is answered. What was tried before has its next try minutes or hours later: when nothing
        is due any more the clock moves on to it.
        """

        def until_next_s() -> float | None:
            due_at = world.sql("SELECT min(next_try_at) FROM webhook_delivery WHERE state = 'waiting'")[0][0]
            return None if due_at is None else (due_at - world.now()).total_seconds()

        self.answers_all = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ARRIVE_S):
                while (left_s := await asyncio.to_thread(until_next_s)) is not None:
                    if left_s > LOOK_S:
                        await advance(int(left_s) + 1)
                    await asyncio.sleep(LOOK_S)
                return True
        return False

    def compare(self, world: World) -> tuple[dict[str, int], list[str]]:
        """Figures, and everything that does not agree with the outbox and the payments."""
        told = {
            str(row[0]): str(row[1])
            for row in world.sql("SELECT event_id, name FROM outbox WHERE name LIKE 'payment.%'")
        }
        paid = {
            str(row[0]) for row in world.sql("SELECT payment_id FROM payment WHERE captured_attempt_id IS NOT NULL")
        }
        wrong = [f"{event_id}: {name} never arrived" for event_id, name in told.items() if event_id not in self.heard]
        for event_id, messages in self.heard.items():
            first = messages[0]
            wrong += [f"{event_id}: told in two ways" for other in messages[1:] if other != first]
            if told.get(event_id) != first["type"]:
                wrong.append(f"{event_id}: told as {first['type']}, was {told.get(event_id)}")
            if first["type"] == "payment.paid" and first["data"]["payment_id"] not in paid:
                wrong.append(f"{event_id}: told as paid, was not")
        again = self.count - len(self.heard)
        return {"events": len(told), "heard": len(self.heard), "heard_again": again}, wrong

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            headers = dict(line.lower().split(": ", 1) for line in head.strip().split("\r\n")[1:])
            body = await reader.readexactly(int(headers["content-length"]))
            self.count += 1
            self.heard.setdefault(headers["webhook-id"], []).append(json.loads(body))
            if self.answers_all or self.count % UNANSWERED_EVERY:
                writer.write(ANSWER)
                await writer.drain()
        writer.close()
