"""The gateway as promoters' apps meet it: no session is needed, and one that is sent has to be good."""

from __future__ import annotations

from collections.abc import Mapping

from hutong_sandbox.taobao.alliance.methods import AllianceCall, LinkMethods
from hutong_sandbox.taobao.alliance.promoters import Promoter, Promoters
from hutong_sandbox.taobao.alliance.reports import Reports
from hutong_sandbox.taobao.errors import TopError
from hutong_sandbox.taobao.front import Front
from hutong_sandbox.world import World


class AllianceGateway(Front[AllianceCall]):
    """The gateway's address."""

    name = "taobao_alliance"
    writes = frozenset({"taobao.tbk.adzone.create"})

    def __init__(self, world: World, promoters: Promoters, links: LinkMethods, reports: Reports) -> None:
        super().__init__(world)
        self._promoters = promoters
        self.methods = {
            "taobao.tbk.adzone.create": links.create_place,
            "taobao.tbk.dg.general.link.convert": links.convert,
            "taobao.tbk.tpwd.create": links.create_code,
            "taobao.tbk.order.details.get": reports.details,
            "taobao.time.get": self.time,
        }

    def secret_of(self, app_key: str) -> str | None:
        """The secret of a promoter's app."""
        promoter = self._promoters.by_app_key(app_key)
        return None if promoter is None else promoter.app_secret

    def call_of(self, method: str, app_key: str, session: str, arguments: Mapping[str, str]) -> AllianceCall:
        """The call of a promoter."""
        promoter = self._promoters.by_app_key(app_key)
        if promoter is None:
            raise TopError(29, "isv.appkey-not-exists", "appkey不存在")
        if session:
            self._check_session(promoter, session)
        return AllianceCall(method=method, arguments=arguments, promoter=promoter)

    def _check_session(self, promoter: Promoter, session: str) -> None:
        if session != promoter.access_token or self._world.faults.strike(self.name, "invalid_session", session):
            raise TopError(27, "isv.invalid-session", "SessionKey非法")
