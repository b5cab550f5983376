"""The methods about positions (推广位) and their filing (备案)."""

from __future__ import annotations

from typing import Final

from hutong_sandbox.http import Json
from hutong_sandbox.pinduoduo.addresses import Addresses
from hutong_sandbox.pinduoduo.calls import Call, uid_of
from hutong_sandbox.pinduoduo.errors import invalid
from hutong_sandbox.pinduoduo.promoters import POSITIONS_MAX, Position

NEW_POSITIONS_MAX: Final = 100
NEW_POSITIONS: Final = 10
#: 生成绑定备案链接; the other tools are not here.
FILING_CHANNEL: Final = 10


class PromoterMethods:
    """What promoters do with their positions."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses

    def open_positions(self, call: Call) -> Json:
        """pdd.ddk.goods.pid.generate."""
        count = call.number("number", NEW_POSITIONS, low=1, high=NEW_POSITIONS_MAX)
        names = call.texts("p_id_name_list") if call.optional("p_id_name_list") else [""] * count
        if len(names) != count:
            raise invalid("p_id_name_list", "的长度与number不一致")
        made = [call.promoter.open_position(name) for name in names]
        left = POSITIONS_MAX - len(call.promoter.positions)
        return {"p_id_generate_response": {"p_id_list": [_row(one) for one in made], "remain_pid_count": left}}

    def positions(self, call: Call) -> Json:
        """pdd.ddk.goods.pid.query."""
        page = call.number("page", 1, low=1, high=10_000)
        rows = call.number("page_size", 10, low=10, high=100)
        known = list(call.promoter.positions.values())
        shown = known[(page - 1) * rows : page * rows]
        return {"p_id_query_response": {"p_id_list": [_row(one) for one in shown], "total_count": len(known)}}

    def is_filed(self, call: Call) -> Json:
        """pdd.ddk.member.authority.query: 1 where exactly this position, or position and ``uid``, is filed."""
        filed = call.promoter.is_filed(call.text("pid"), uid_of(call.custom()))
        return {"authority_query_response": {"bind": int(filed)}}

    def filing(self, call: Call) -> Json:
        """pdd.ddk.rp.prom.url.generate, channel_type 10: the page on which a person files a position."""
        if call.number("channel_type", low=-1, high=100) != FILING_CHANNEL:
            raise invalid("channel_type", "没有推广权限")
        pids = call.texts("p_id_list")
        if len(pids) != 1 or pids[0] not in call.promoter.positions:
            raise invalid("p_id_list", "用户PID不正确")
        stands = self._addresses.make(call.promoter, pids[0], call.custom(), None)
        forms = {
            "is_short": call.flag("generate_short_url"),
            "is_scheme": call.flag("generate_schema_url"),
            "is_mini": call.flag("generate_we_app"),
        }
        return {"rp_promotion_url_generate_response": {"url_list": [self._addresses.wire(stands, **forms)]}}


def _row(position: Position) -> Json:
    return {"p_id": position.pid, "pid_name": position.name, "create_time": position.created_s, "media_id": 0}
