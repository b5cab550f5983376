"""Pinduoduo's gateway, simulated: its alliance 多多进宝."""

from hutong_sandbox.pinduoduo.platform import PinduoduoAlliance

__all__ = ["PinduoduoAlliance"]
