"""What can go wrong before a request leaves; what happens afterwards is ``PlatformUnknown``."""

from __future__ import annotations

from hutong.core.errors import ErrorText, PlatformFailure


class PlatformUnreachable(PlatformFailure):
    """No connection to the platform could be made: the request surely did not leave, it may be sent again."""

    code = "platform_unreachable"
    status = 502
    zh = ErrorText(
        "无法连接平台 {platform}。", "网络不通、域名解析失败或平台停机。", "请检查服务器网络，稍后会自动重试。"
    )
    en = ErrorText(
        "Platform {platform} cannot be reached.",
        "No network, no such name, or the platform is down.",
        "Check the server's network; it is tried again later.",
    )


class LineRefused(PlatformFailure):
    """The certificate that an account shows cannot be used: nothing left."""

    code = "line_refused"
    status = 502
    zh = ErrorText(
        "连接平台 {platform} 要出示的商户证书不能用。",
        "证书读不出来，或者与私钥不配对。",
        "请在收款账户里更换商户证书（apiclient_cert.pem）和私钥。",
    )
    en = ErrorText(
        "The certificate to be shown to platform {platform} cannot be used.",
        "It cannot be read, or it does not belong to the private key.",
        "Change certificate (apiclient_cert.pem) and private key of the account.",
    )


class PaceExceeded(PlatformFailure):
    """Too many calls wait for one account's rate limit; this one was not sent."""

    code = "pace_exceeded"
    status = 503
    zh = ErrorText(
        "对平台 {platform} 的调用过多，排队已满。", "超过该账号的频率限制。", "请稍后重试；任务会自动重新排队。"
    )
    en = ErrorText(
        "Too many calls to platform {platform} are waiting.",
        "The account's rate limit is used up.",
        "Try again later; jobs queue themselves again.",
    )
