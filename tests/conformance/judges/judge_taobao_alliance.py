"""Runs in the judge's own environment: the unmodified SDK ``taobao-openapi`` drives the simulated alliance."""

from __future__ import annotations

import json
import sys
import uuid
from typing import Any

import top.api.rest as rest
import verdicts
from top import appinfo
from top.api.base import RestApi
from top.api.rest.TbkTpwdCreateRequest import TbkTpwdCreateRequest
from top_words import TopJudge
from verdicts import expect


class TbkAdzoneCreateRequest(RestApi):
    """The SDK leaves this method out; its own base class signs and sends it like every other."""

    def __init__(self, domain: str, port: int) -> None:
        RestApi.__init__(self, domain, port)
        self.site_id = self.adzone_name = None

    def getapiname(self) -> str:
        return "taobao.tbk.adzone.create"


class TbkDgGeneralLinkConvertRequest(RestApi):
    """As above."""

    def __init__(self, domain: str, port: int) -> None:
        RestApi.__init__(self, domain, port)
        self.adzone_id = self.material_list = self.required_link_type = None

    def getapiname(self) -> str:
        return "taobao.tbk.dg.general.link.convert"


class TbkOrderDetailsGetRequest(RestApi):
    """The SDK has this one, in a file that mixes tabs and blanks: Python 3 does not read it. Its names are taken."""

    def __init__(self, domain: str, port: int) -> None:
        RestApi.__init__(self, domain, port)
        self.query_type = self.position_index = self.page_size = self.member_type = self.tk_status = None
        self.end_time = self.start_time = self.jump_type = self.page_no = None

    def getapiname(self) -> str:
        return "taobao.tbk.order.details.get"


class Judge(TopJudge):
    """The SDK's request classes against the simulated alliance: without a session, unless a call brings one."""

    def __init__(self, setting: dict[str, Any]) -> None:
        super().__init__(setting, None, {"platform": "taobao_alliance"})
        self.good_session = setting["platform"]["more_credentials"]["access_token"]
        self.site = self.credentials["pid"].split("_")[2]

    # The checks, in order.

    def alliance_place(self) -> None:
        """Without a session and with one; a name with everything that a form escapes."""
        made = self.call(TbkAdzoneCreateRequest, site_id=self.site, adzone_name="判 & 1+1=2 %")["data"]["model"]
        other = self.call(TbkAdzoneCreateRequest, session=self.good_session, site_id=self.site, adzone_name="A1")
        expect(made.split("_")[:3], self.credentials["pid"].split("_")[:3])
        expect(made == other["data"]["model"], False)
        self.adzone = int(made.split("_")[3])

    def alliance_address(self) -> None:
        good = self.post("/shops/stock", sku=uuid.uuid4().hex, quantity=50, title="小面包 & 水", price_fen=1230)
        where = {"adzone_id": self.adzone, "material_list": good["url"]}
        found = self.call(TbkDgGeneralLinkConvertRequest, **where)["data"]["material_url_list"]["material_url_list"]
        [self.links] = [one["link_info_dto"] for one in found]
        expect(self.links["cps_short_url"].startswith("https://s.click.taobao.com/"), True)
        only = self.call(TbkDgGeneralLinkConvertRequest, required_link_type="cps_short_url", **where)
        [short] = only["data"]["material_url_list"]["material_url_list"]
        expect("cps_long_url" in short["link_info_dto"], False)

    def alliance_code(self) -> None:
        """The SDK's own request; what it calls to have no effect any more has none."""
        told = self.call(TbkTpwdCreateRequest, url=self.links["cps_long_url"], text="旧 & 文案")["data"]
        expect(told["password_simple"], self.links["cps_short_tpwd"])
        self.refused(15, TbkTpwdCreateRequest, url="https://s.click.taobao.com/nobodys")

    def alliance_orders(self) -> None:
        """Seven orders on pages of three, followed by position."""
        start = self.now(-1)
        bought = {self.post("/buy", address=self.links["cps_long_url"], quantity=2)["order_no"] for _ in range(7)}
        window = {"start_time": start, "end_time": self.now(1), "query_type": 4, "page_size": 3}
        page = self.call(TbkOrderDetailsGetRequest, **window)["data"]
        rows = page["results"]["publisher_order_dto"]
        for page_no in (2, 3):
            expect(page["has_next"], True)
            page = self.call(
                TbkOrderDetailsGetRequest, page_no=page_no, jump_type=1, position_index=page["position_index"], **window
            )["data"]
            rows += page["results"]["publisher_order_dto"]
        expect((page["has_next"], len(rows)), (False, 7))
        expect({row["trade_parent_id"] for row in rows}, bought)
        expect(
            {(row["adzone_id"], row["alipay_total_price"], row["tk_status"]) for row in rows},
            {(self.adzone, "24.60", 12)},
        )

    def alliance_wrong_secret(self) -> None:
        other = appinfo(self.credentials["app_key"], "0" * 32)
        expect(self.refused(25, rest.TimeGetRequest, app=other).message, "Invalid signature")

    def alliance_wrong_session(self) -> None:
        self.refused(27, TbkAdzoneCreateRequest, session="6102nobody", site_id=self.site, adzone_name="A")

    def alliance_wrong_arguments(self) -> None:
        day = {"start_time": self.now(-90_000), "end_time": self.now()}
        expect(self.refused(15, TbkOrderDetailsGetRequest, **day).subcode, "2007")
        hour = {"start_time": self.now(-3600), "end_time": self.now()}
        expect(self.refused(15, TbkOrderDetailsGetRequest, page_no=2, **hour).subcode, "1008")
        self.refused(40, TbkTpwdCreateRequest)
        self.refused(41, TbkAdzoneCreateRequest, site_id=self.site, adzone_name="长" * 65)


def main() -> int:
    setting = json.load(sys.stdin)
    judge = Judge(setting)
    names = ["alliance_place", "alliance_address", "alliance_code", "alliance_orders"]
    names += ["alliance_wrong_secret", "alliance_wrong_session", "alliance_wrong_arguments"]
    checks = [(name, getattr(judge, name)) for name in names]
    return verdicts.run(checks, stop_at_first=setting["stop_at_first"])


if __name__ == "__main__":
    sys.exit(main())
