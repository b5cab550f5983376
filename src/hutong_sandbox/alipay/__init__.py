"""Simulated Alipay."""

from hutong_sandbox.alipay.platform import Alipay

__all__ = ["Alipay"]
