"""What the pages about events that are pushed show."""

from __future__ import annotations

from uuid import UUID

from hutong.web.console.paging import Paging
from hutong.web.console.payment_views import StateTab
from hutong.web.console.views import View
from hutong.webhooks.queries import Delivery
from hutong.webhooks.service import Endpoint
from hutong.webhooks.states import EndpointState


class EndpointItem(View, frozen=True, kw_only=True):
    """An endpoint and how much stands where."""

    endpoint: Endpoint
    waiting: int = 0
    delivered: int = 0
    failed: int = 0

    @property
    def health(self) -> str:
        """In one word: disabled, failing, fine, or new where nothing was ever sent."""
        if self.endpoint.state is EndpointState.DISABLED:
            return "disabled"
        if self.endpoint.failing_since_at is not None:
            return "failing"
        return "new" if self.endpoint.last_success_at is None else "fine"


class TypeChoice(View, frozen=True, kw_only=True):
    """A group of events, such as ``payment.*``, with those in it."""

    group: str
    names: tuple[str, ...]


class SecretShown(View, frozen=True, kw_only=True):
    """A secret that is shown this once, and whose it is."""

    endpoint_id: UUID
    secret: str

    def __repr__(self) -> str:
        """Without the secret."""
        return f"SecretShown({self.endpoint_id})"


class WebhooksView(View, frozen=True, kw_only=True):
    """The page with all endpoints."""

    items: tuple[EndpointItem, ...]
    choices: tuple[TypeChoice, ...]


class WebhookView(View, frozen=True, kw_only=True):
    """The page of one endpoint. ``replayed``: how many messages a replay has just put on their way; -1: none was."""

    item: EndpointItem
    choices: tuple[TypeChoice, ...]
    tabs: tuple[StateTab, ...]
    state: str
    rows: tuple[Delivery, ...]
    paging: Paging
    shown: SecretShown | None = None
    replayed: int = -1
