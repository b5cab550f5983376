"""The signature of the page that is being asked for, where the app it is open in wants one."""

from __future__ import annotations

from uuid import UUID

from hutong.links.hosts import page_base
from hutong.web.buyer.desk import BuyerDesk, BuyerRequest
from hutong.workflows.commands.page_configs import SignedPage, signed_page


async def signed_for(request: BuyerRequest, buyer: BuyerDesk, merchant_id: UUID, container: str) -> SignedPage | None:
    """Signed is the address as the browser shows it, under the hub's name or the merchant's own, with path and query
    byte for byte.
    """
    scope = request.scope
    path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
    query = scope["query_string"].decode("latin-1")
    url = f"{await base_of(request, buyer, merchant_id)}{path}{'?' if query else ''}{query}"
    return await signed_page(buyer.runtime, merchant_id, container, url)


async def base_of(request: BuyerRequest, buyer: BuyerDesk, merchant_id: UUID) -> str:
    """What stands before the path of this page. An app shares links under its page's own name alone."""
    async with buyer.runtime.unit(merchant_id, "buyer.base") as unit:
        return await page_base(unit, request.headers.get("host", ""), buyer.runtime.public_url)
