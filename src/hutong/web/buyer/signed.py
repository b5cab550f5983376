"""The signature of the page that is being asked for, where the app it is open in wants one."""

from __future__ import annotations

from uuid import UUID

from hutong.web.buyer.desk import BuyerDesk, BuyerRequest
from hutong.workflows.commands.page_configs import SignedPage, signed_page


async def signed_for(request: BuyerRequest, buyer: BuyerDesk, merchant_id: UUID, container: str) -> SignedPage | None:
    """Signed is the address as the browser shows it: our public one, with path and query byte for byte."""
    scope = request.scope
    path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
    query = scope["query_string"].decode("latin-1")
    url = f"{buyer.runtime.public_url}{path}{'?' if query else ''}{query}"
    return await signed_page(buyer.runtime, merchant_id, container, url)
