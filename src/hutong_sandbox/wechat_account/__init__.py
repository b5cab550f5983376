"""A WeChat official account and the app's own look at pages, simulated."""

from hutong_sandbox.wechat_account.platform import WechatAccount

__all__ = ["WechatAccount"]
