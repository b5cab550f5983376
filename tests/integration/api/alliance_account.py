"""An account of an alliance whose words a test writes."""

from __future__ import annotations

from uuid import UUID

from tied_orders import connected

from hutong.core.money import Money
from hutong.links.models import link
from hutong.links.promotions.places import Asked, due_links, keep_places
from hutong.platforms.jump_links import Carries, Promoted, PromotedLine, PromotedPage, PromotedStatus
from hutong.workflows.commands.pull_promoted import take_page

PAID = PromotedStatus.PAID
SHORT = "https://s.click.taobao.com/abc123"


class Alliance:
    """An account of an alliance; what it tells is written here, in the connector's own words."""

    def __init__(self, caller, connection_id, platform):
        self.caller, self.connection_id, self.platform = caller, connection_id, platform
        self.links = caller.runtime.registry.get(platform).jump_links

    @classmethod
    async def open(cls, caller, platform="taobao_alliance"):
        async with caller.room.unit() as unit:
            connection_id = await connected(caller, unit, platform)
        return cls(caller, connection_id, platform)

    def line(self, order_no, mark, **more):
        at = self.caller.room.clock.now()
        plain = {
            "line_id": order_no,
            "goods_id": "657123",
            "title": "面包",
            "quantity": 1,
            "paid": Money(4_990),
            "commission": Money(499),
            "status": PAID,
            "raw_status": "12",
            "placed_at": at,
            "changed_at": at,
        }
        return PromotedLine(order_no=order_no, mark=mark, **{**plain, **more})

    async def tells(self, *lines):
        opened = await self.caller.runtime.open_account(self.caller.room.merchant_id, self.connection_id)
        async with self.caller.room.unit() as unit:
            return await take_page(
                self.caller.runtime, unit, opened, self.links, PromotedPage(lines=lines, next_cursor=None)
            )

    async def promotes(self, made_link, told_as, url=SHORT, carries=Carries.LINK):
        """An address for a link's own page, as the job keeps it."""
        async with self.caller.room.unit() as unit:
            due = await due_links(unit, self.connection_id, self.links.destinations)
            (mine,) = [one for one in due if one.link_id == UUID(made_link["link_id"])]
            made = Promoted(url=url, told_as=told_as)
            asked = [Asked(page_url=target.url, made=made) for target in mine.targets]
            await keep_places(unit, self.connection_id, self.platform, carries, mine, asked)

    async def changes(self, made_link):
        """The merchant touches the link: it is due again."""
        self.caller.room.clock.advance(seconds=1)
        async with self.caller.room.unit() as unit:
            await unit.run(
                link.update()
                .where(link.c.merchant_id == unit.merchant_id, link.c.link_id == UUID(made_link["link_id"]))
                .values(changed_at=unit.now())
            )

    async def told(self):
        return {item["order_no"]: item for item in (await self.caller.get("/promoted-orders"))["items"]}
