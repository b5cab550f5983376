"""Douyin's shops (抖店) and what belongs to them: one gateway for all. The alliance is ``alliance``."""
