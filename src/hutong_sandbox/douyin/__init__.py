"""Douyin's alliance (抖音精选联盟), simulated."""

from hutong_sandbox.douyin.platform import DouyinAlliance

__all__ = ["DouyinAlliance"]
