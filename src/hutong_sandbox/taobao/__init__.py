"""Taobao's TOP gateway, simulated."""

from hutong_sandbox.taobao.platform import Taobao

__all__ = ["Taobao"]
