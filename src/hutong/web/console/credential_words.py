"""The fields of a platform account in words: their names, where they stand at the platform, what may be wrong."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from hutong.platforms.credentials import Flaw
from hutong.web.labels import mark


class Kind(StrEnum):
    """How a field is typed."""

    LINE = "line"
    SECRET = "secret"  # noqa: S105 (a kind of field)
    FILE = "file"  # PEM, pasted or uploaded
    SECRET_FILE = "secret_file"  # noqa: S105
    CHOICE = "choice"


class Field(NamedTuple):
    """One field of a form."""

    name: str
    label: str
    where: str  # to find it at the platform
    kind: Kind = Kind.LINE
    needed: bool = False
    choices: tuple[str, ...] = ()


class Group(NamedTuple):
    """Fields that belong together."""

    title: str
    lead: str
    fields: tuple[Field, ...]


_WECHAT: Final = (
    Group(
        mark("商户与公众号"),
        mark("每个商户号都要填。"),
        (
            Field("mchid", mark("商户号"), mark("微信支付商户平台，账户中心，商户信息。"), needed=True),
            Field(
                "appid", mark("公众号 AppID"), mark("公众平台，设置与开发，基本配置；要先与商户号绑定。"), needed=True
            ),
            Field(
                "app_secret",
                mark("公众号 AppSecret"),
                mark("公众平台，设置与开发，基本配置；用来静默识别顾客。"),
                Kind.SECRET,
                needed=True,
            ),
        ),
    ),
    Group(
        mark("商户证书与 APIv3 密钥"),
        mark("在商户平台的账户中心，API 安全里申请。"),
        (
            Field(
                "private_key",
                mark("商户私钥 apiclient_key.pem"),
                mark("申请商户证书时下载的压缩包里。"),
                Kind.SECRET_FILE,
                needed=True,
            ),
            Field("serial_no", mark("商户证书序列号"), mark("API 安全，管理证书；四十位十六进制数字。"), needed=True),
            Field(
                "api_v3_key", mark("APIv3 密钥"), mark("API 安全，自己设置的三十二个字符。"), Kind.SECRET, needed=True
            ),
        ),
    ),
    Group(
        mark("怎样核对微信的签名"),
        mark("新商户用平台公钥，老商户用平台证书；都不填时自动下载平台证书。"),
        (
            Field("public_key_id", mark("微信支付公钥 ID"), mark("API 安全，微信支付公钥；以 PUB_KEY_ID_ 开头。")),
            Field("public_key", mark("微信支付公钥"), mark("同一处下载的 pub_key.pem。"), Kind.FILE),
            Field("platform_certificates", mark("平台证书"), mark("用证书模式时填；可以把几张贴在一起。"), Kind.FILE),
        ),
    ),
    Group(
        mark("小程序"),
        mark("在小程序里收款才填。"),
        (
            Field("mini_appid", mark("小程序 AppID"), mark("小程序后台，开发管理，开发设置。")),
            Field("mini_app_secret", mark("小程序 AppSecret"), mark("小程序后台，开发管理，开发设置。"), Kind.SECRET),
        ),
    ),
    Group(
        mark("付款码（V2 接口）"),
        mark("扫顾客付款码只开通了 V2 接口时填；撤销要出示商户证书，所以两项要一起填。"),
        (
            Field("api_key", mark("V2 密钥"), mark("API 安全，APIv2 密钥；三十二个字符。"), Kind.SECRET),
            Field(
                "client_certificate",
                mark("商户证书 apiclient_cert.pem"),
                mark("和商户私钥在同一个压缩包里。"),
                Kind.FILE,
            ),
            Field(
                "api_sign_type",
                mark("V2 签名方式"),
                mark("不确定就不选，按 HMAC-SHA256。"),
                Kind.CHOICE,
                choices=("HMAC-SHA256", "MD5"),
            ),
            Field("store_id", mark("门店编号"), mark("自己取的编号，账单里能看到；可以不填。")),
        ),
    ),
    Group(
        mark("服务商模式"),
        mark("您是服务商、替特约商户收款时填；自己收款不填。"),
        (
            Field("sub_mchid", mark("特约商户号"), mark("服务商平台，特约商户管理。")),
            Field("sub_appid", mark("特约商户的 AppID"), mark("要先在服务商平台绑定；没有就不填。")),
        ),
    ),
)
_ALIPAY: Final = (
    Group(
        mark("应用"),
        mark("在支付宝开放平台的控制台里建立应用，并开通要用的产品。"),
        (
            Field("app_id", mark("应用 APPID"), mark("控制台，应用详情；十六位数字。"), needed=True),
            Field("seller_id", mark("商户 PID"), mark("商家平台，账户中心；2088 开头的十六位数字，可以不填。")),
        ),
    ),
    Group(
        mark("应用私钥"),
        mark("用支付宝密钥工具生成；两种格式填一种。"),
        (
            Field("private_key_pkcs8", mark("应用私钥（PKCS8）"), mark("密钥工具默认的格式。"), Kind.SECRET_FILE),
            Field(
                "private_key_pkcs1", mark("应用私钥（PKCS1）"), mark("只有选了非 Java 适用时才是它。"), Kind.SECRET_FILE
            ),
        ),
    ),
    Group(
        mark("公钥模式"),
        mark("开发设置里选“公钥”时填；和证书模式二选一。"),
        (Field("alipay_public_key", mark("支付宝公钥"), mark("开发设置，接口加签方式，查看支付宝公钥。"), Kind.FILE),),
    ),
    Group(
        mark("证书模式"),
        mark("开发设置里选“公钥证书”时，三个文件都要填；给推广人分账要用这种模式。"),
        (
            Field("app_cert", mark("应用公钥证书"), mark("appCertPublicKey 开头的 crt 文件。"), Kind.FILE),
            Field("alipay_cert", mark("支付宝公钥证书"), mark("alipayCertPublicKey_RSA2.crt。"), Kind.FILE),
            Field("alipay_root_cert", mark("支付宝根证书"), mark("alipayRootCert.crt。"), Kind.FILE),
        ),
    ),
)
_TAOBAO: Final = (
    Group(
        mark("应用与店铺"),
        mark("在淘宝开放平台的控制台里建立应用，再由店主授权。"),
        (
            Field("app_key", mark("App Key"), mark("控制台，应用管理，应用证书。"), needed=True),
            Field("app_secret", mark("App Secret"), mark("控制台，应用管理，应用证书。"), Kind.SECRET, needed=True),
            Field("shop_id", mark("店铺编号"), mark("店铺首页地址里 shop 后面的数字。"), needed=True),
        ),
    ),
    Group(
        mark("店主的授权"),
        mark("授权到期后，在这里换上新的。"),
        (
            Field(
                "access_token", mark("授权码 session"), mark("店主同意授权之后返回的 access_token。"), Kind.SECRET, True
            ),
            Field("refresh_token", mark("刷新授权码"), mark("和授权码一起返回的 refresh_token。"), Kind.SECRET, True),
        ),
    ),
)
_WECHAT_ACCOUNT: Final = (
    Group(
        mark("公众号"),
        mark("在公众平台里，还要把互通的域名加进 JS 接口安全域名，把服务器的 IP 加进 IP 白名单。"),
        (
            Field("appid", mark("公众号 AppID"), mark("设置与开发，开发接口管理；wx 开头的十八位。"), needed=True),
            Field(
                "app_secret",
                mark("公众号 AppSecret"),
                mark("同一页里启用或重置；三十二位，只显示一次。"),
                Kind.SECRET,
                needed=True,
            ),
        ),
    ),
)
_JD_ALLIANCE: Final = (
    Group(
        mark("京东联盟的应用"),
        mark("接口和 subUnionId 参数都要向京东联盟申请权限，没有它就分不清订单来自哪次点击。"),
        (
            Field("app_key", mark("京东联盟 AppKey"), mark("京东联盟，推广管理，API 管理；三十二位。"), needed=True),
            Field(
                "app_secret",
                mark("京东联盟 SecretKey"),
                mark("和 AppKey 在同一处；三十二位。"),
                Kind.SECRET,
                needed=True,
            ),
        ),
    ),
    Group(
        mark("网站与推广位"),
        mark("按社交媒体推广时都不填；推广的网址已在京东联盟备案为网站或 APP 时才填网站 ID。"),
        (
            Field("site_id", mark("网站 ID 或 APP ID"), mark("京东联盟，推广管理，网站管理或 APP 管理；一串数字。")),
            Field("position_id", mark("推广位 ID"), mark("京东联盟，推广管理，推广位管理；可以不填。")),
        ),
    ),
)
_PINDUODUO_ALLIANCE: Final = (
    Group(
        mark("应用与推广位"),
        mark("在拼多多开放平台建立“多多客联盟”应用，再到多多进宝绑定它，建好推广位并完成备案。"),
        (
            Field("client_id", mark("应用 client_id"), mark("拼多多开放平台，应用详情。"), needed=True),
            Field(
                "client_secret",
                mark("应用密钥 client_secret"),
                mark("拼多多开放平台，应用详情。"),
                Kind.SECRET,
                needed=True,
            ),
            Field("pid", mark("推广位 PID"), mark("多多进宝，推广位管理；像 60005_612 这样两段数字。"), needed=True),
            Field(
                "uid",
                mark("备案时的用户标识 uid"),
                mark("备案链接里带了 custom_parameters 才填，一到五个字母或数字；没带就不填。"),
            ),
        ),
    ),
)
_DOUYIN_ALLIANCE: Final = (
    Group(
        mark("应用与推广位"),
        mark("在抖店开放平台的控制台里建立应用，用独立抖客的百应账号授权。"),
        (
            Field("app_key", mark("App Key"), mark("控制台，应用详情；十九位数字。"), needed=True),
            Field("app_secret", mark("App Secret"), mark("控制台，应用详情。"), Kind.SECRET, needed=True),
            Field("pid", mark("推广位 PID"), mark("巨量百应，抖客，PID 管理；dy_ 开头的四段。"), needed=True),
        ),
    ),
    Group(
        mark("抖客的授权"),
        mark("授权到期后，在这里换上新的。"),
        (
            Field("access_token", mark("访问令牌"), mark("授权之后换得的 access_token；七天有效。"), Kind.SECRET, True),
            Field("refresh_token", mark("刷新令牌"), mark("和访问令牌一起返回的 refresh_token。"), Kind.SECRET, True),
        ),
    ),
)
_TAOBAO_ALLIANCE: Final = (
    Group(
        mark("推广者与应用"),
        mark("在淘宝联盟的开放平台里建立应用，并申请推广位创建、万能转链（含商品链接转链）和订单查询的权限。"),
        (
            Field("app_key", mark("App Key"), mark("淘宝联盟开放平台，应用管理。"), needed=True),
            Field("app_secret", mark("App Secret"), mark("淘宝联盟开放平台，应用管理。"), Kind.SECRET, needed=True),
            Field("pid", mark("推广位 PID"), mark("淘宝联盟，推广管理，推广位管理；mm_ 开头的三段数字。"), needed=True),
            Field("access_token", mark("授权码 session"), mark("应用有授权时才填；自己的应用一般没有。"), Kind.SECRET),
        ),
    ),
)
GROUPS: Final[Mapping[str, tuple[Group, ...]]] = {
    "wechatpay": _WECHAT,
    "alipay": _ALIPAY,
    "taobao": _TAOBAO,
    "jd_alliance": _JD_ALLIANCE,
    "pinduoduo_alliance": _PINDUODUO_ALLIANCE,
    "wechat_account": _WECHAT_ACCOUNT,
    "douyin_alliance": _DOUYIN_ALLIANCE,
    "taobao_alliance": _TAOBAO_ALLIANCE,
}

FLAWS: Final[Mapping[Flaw, str]] = {
    Flaw.MISSING: mark("还没有填。"),
    Flaw.FORM: mark("样子不对，应该像 %(told)s。"),
    Flaw.LENGTH: mark("长度不对，要正好 %(told)s 个字符。"),
    Flaw.TOO_LONG: mark("内容太长，多半贴错了文件。"),
    Flaw.NO_KEY: mark("读不出 RSA 密钥：请贴上完整的 PEM，连同首尾两行。"),
    Flaw.NO_CERTIFICATE: mark("读不出证书：请贴上完整的 PEM，连同首尾两行。"),
    Flaw.SHORT_KEY: mark("密钥太短，至少要 %(told)s 位。"),
    Flaw.NO_PAIR: mark("和私钥不是一对，请换成同一次申请得到的文件。"),
    Flaw.OTHER_SERIAL: mark("和证书对不上，证书的序列号是 %(told)s。"),
    Flaw.EXPIRED: mark("证书在 %(told)s 已经过期，请到平台换新的。"),
    Flaw.NOT_YET: mark("证书从 %(told)s 起才能用。"),
    Flaw.TOGETHER: mark("填了“%(told)s”，这一项也要填。"),
    Flaw.NOT_ISSUED: mark("证书不是由这份根证书签发的，或者已经失效。"),
    Flaw.UNFIT: mark("平台有回应，但和这一项对不上，请到平台核对后重新填写。"),
    Flaw.PRIVATE_KEY: mark("这里贴成了私钥，没有保存；这一项不要私钥，请换成正确的内容。"),
    Flaw.FIXED: mark("保存之后不能改；换商户号或应用，请另外添加一个账号。"),
    Flaw.SANDBOX_ONLY: mark("只有本机沙盒的账号才有这一项。"),
    Flaw.UNKNOWN: mark("这个平台没有这一项。"),
}


def field_label(platform: str, name: str) -> str:
    """What the form calls a field; its own name where no form shows it."""
    for group in GROUPS.get(platform, ()):
        for field in group.fields:
            if field.name == name:
                return field.label
    return name
