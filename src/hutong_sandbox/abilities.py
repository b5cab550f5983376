"""What only some platforms can do: abilities that the control port looks for, and that cost the others no line."""

from __future__ import annotations

import ssl
from typing import Protocol, runtime_checkable

from hutong_sandbox.http import HttpResponse, Json


@runtime_checkable
class TakesPayments(Protocol):
    """A wallet: buyers pay merchants' orders."""

    async def pay(self, order: Json) -> Json:
        """Pay as a buyer; the trade as the platform's own query tells it."""
        ...


@runtime_checkable
class ShowsCodes(Protocol):
    """Its app shows payment codes (付款码) that a shop may scan."""

    def show_code(self, which: Json) -> Json:
        """A fresh payment code of a ``buyer``: ``{"auth_code", "expires_at"}``."""
        ...


@runtime_checkable
class LogsIn(Protocol):
    """Its app runs merchants' mini-programs, and tells them of their visitor by a code."""

    def log_in(self, which: Json) -> Json:
        """What a ``merchant``'s mini-program is given at a ``buyer``'s login: ``{"login_code"}``."""
        ...


@runtime_checkable
class OffersModes(Protocol):
    """More credentials can be given to a merchant, each of which puts its account into another mode."""

    def more_credentials(self, merchant: str) -> Json:
        """The credentials that are not given by themselves."""
        ...


@runtime_checkable
class SeesCertificates(Protocol):
    """It has a second port on which callers may show a certificate."""

    def line(self) -> ssl.SSLContext:
        """What that port speaks with."""
        ...

    def place_line(self, url: str) -> None:
        """Tell the platform the address of that port."""
        ...


@runtime_checkable
class SendsCallbacks(Protocol):
    """It tells merchants what happened, and may be made to tell it wrongly."""

    async def replay(self, which: Json) -> Json:
        """Send the last delivered callback of an order again, byte for byte."""
        ...

    async def tamper(self, which: Json) -> Json:
        """Send a callback that must not be believed."""
        ...


@runtime_checkable
class RotatesKeys(Protocol):
    """Its signing key changes now and then."""

    def rotate(self) -> Json:
        """Sign with the next key from now on."""
        ...


@runtime_checkable
class BridgesPages(Protocol):
    """Its app puts a script into the merchants' pages, through which they ask for payment."""

    def bridge(self, control_url: str) -> HttpResponse:
        """The script; it posts what the page invokes to ``{control_url}/bridge/pay`` with the platform's name."""
        ...

    async def pay_invoked(self, invoke: object) -> Json:
        """Pay what a page invoked, rightly signed; the trade."""
        ...


@runtime_checkable
class SellsGoods(Protocol):
    """A shop: stock, and buyers who order."""

    async def buy(self, order: Json) -> Json:
        """Place a paid order."""
        ...

    async def move(self, which: Json) -> Json:
        """Let a buyer or the platform move an order: pay late, confirm, give up."""
        ...

    def stock(self, entry: Json) -> Json:
        """Put a SKU into a shop."""
        ...

    def shops(self) -> list[Json]:
        """The shops with their stock."""
        ...
