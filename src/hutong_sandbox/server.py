"""Starts the simulated platforms, each on a port of its own, and the control port."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from hutong_sandbox.abilities import SeesCertificates
from hutong_sandbox.alipay import Alipay
from hutong_sandbox.control import Control
from hutong_sandbox.douyin import DouyinAlliance
from hutong_sandbox.http import Listener
from hutong_sandbox.jd import JdAlliance
from hutong_sandbox.pinduoduo import PinduoduoAlliance
from hutong_sandbox.sender import Sender
from hutong_sandbox.taobao import Taobao
from hutong_sandbox.taobao.alliance import TaobaoAlliance
from hutong_sandbox.wechat_account import WechatAccount
from hutong_sandbox.wechatpay import WechatPay
from hutong_sandbox.world import DEFAULT_MERCHANT, Platform, World

#: In this order the platforms take the ports after the control port; new ones go to the end.
PLATFORM_MAKERS: Final[tuple[Callable[[World], Platform], ...]] = (
    WechatPay,
    Taobao,
    Alipay,
    WechatAccount,
    PinduoduoAlliance,
    JdAlliance,
    DouyinAlliance,
    TaobaoAlliance,
)
_STDIN: Final = 0
_READ_BYTES: Final = 4096


class Sandbox:
    """One running sandbox."""

    def __init__(self, seed: int | None, hub_url: str | None) -> None:
        self.world = World(seed, Sender(hub_url))
        made = [make(self.world) for make in PLATFORM_MAKERS]
        self.platforms: Mapping[str, Platform] = {platform.name: platform for platform in made}
        for platform in made:
            self.world.faults.declare(platform.name, platform.fault_kinds)
        self.control = Control(self.world, self.platforms)
        self._listeners: list[Listener] = []
        self._ticker: asyncio.Task[None] | None = None

    async def open(self, port: int) -> dict[str, object]:
        """Listen everywhere; with a port given the platforms follow on the next ones. Tells the addresses."""
        for platform in self.platforms.values():
            platform.credentials(DEFAULT_MERCHANT)
        control = await self._listen(Listener(self.control.handle), port)
        self.control.url = control.url
        for i, (name, platform) in enumerate(self.platforms.items(), start=1):
            listener = await self._listen(Listener(platform.handle), port + i if port else 0)
            platform.place(listener.url)
            self.control.urls[name] = listener.url
        next_port = port + 1 + len(self.platforms)
        for platform in self.platforms.values():
            if isinstance(platform, SeesCertificates):
                listener = await self._listen(Listener(platform.handle, platform.line()), next_port if port else 0)
                platform.place_line(listener.url)
                next_port += 1
        self._ticker = asyncio.create_task(self.world.agenda.tick_forever())
        return {"control": control.url, "platforms": dict(self.control.urls)}

    async def close(self) -> None:
        """Stop."""
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.gather(self._ticker, return_exceptions=True)
        for listener in self._listeners:
            await listener.close()

    async def _listen(self, listener: Listener, port: int) -> Listener:
        await listener.open(port)
        self._listeners.append(listener)
        return listener


async def serve(
    port: int, seed: int | None, hub_url: str | None, *, lifeline: bool, say: Callable[[str], None]
) -> None:
    """Run until told to stop: by a signal, or with ``lifeline`` by the end of standard input."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if lifeline:
        threading.Thread(target=_watch_stdin, args=(loop, stop), daemon=True).start()
    sandbox = Sandbox(seed, hub_url)
    try:
        addresses = await sandbox.open(port)
        say("ready " + msgspec.json.encode(addresses).decode())
        await stop.wait()
    finally:
        await sandbox.close()


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    while os.read(_STDIN, _READ_BYTES):
        pass
    loop.call_soon_threadsafe(stop.set)
