"""What the platforms of this house share: the shops, and every order, whichever way its buyer came."""

from __future__ import annotations

from hutong_sandbox.taobao.accounts import Shops
from hutong_sandbox.taobao.trades import Trades
from hutong_sandbox.world import World


class Market:
    """Shops and trades of one world (``World.shared``)."""

    def __init__(self, world: World) -> None:
        self.shops = Shops(world)
        self.trades = Trades(world)
