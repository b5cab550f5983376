"""淘宝联盟 (Taobao TBK), simulated: a promoter's side of the TOP gateway, and the orders that came by its addresses."""

from hutong_sandbox.taobao.alliance.platform import TaobaoAlliance

__all__ = ["TaobaoAlliance"]
