"""Forms of platform accounts for the gallery: new, refused at its fields, refused by the platform, and kept."""

from __future__ import annotations

from datetime import timedelta

from browser_samples import NOW, uid
from msgspec import structs

from hutong.merchants.connections import CredentialTold
from hutong.platforms.credentials import CredentialFlaw, CredentialsRefused, Flaw
from hutong.platforms.registry import Registry
from hutong.web.console.account_forms import form_view
from hutong.web.errors import text_for
from hutong.web.i18n import Catalogues
from hutong.workflows.commands.connect import TrialRefused

CATALOGUES = Catalogues()
REGISTRY = Registry.from_entry_points()
TYPED = {"mchid": "1900000109", "appid": "wx8888888888888888", "serial_no": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"}
FLAWS = (
    CredentialFlaw(field="api_v3_key", flaw=Flaw.LENGTH, told="32"),
    CredentialFlaw(field="client_certificate", flaw=Flaw.NO_PAIR),
    CredentialFlaw(field="serial_no", flaw=Flaw.OTHER_SERIAL, told="6A3C0FFEE0DDBA11"),
)


def form(locale, platform, values=None, told=None, error=None):
    return form_view(
        REGISTRY.get(platform),
        values or {},
        told or {},
        NOW,
        action=f"/connections/new/{platform}",
        is_kept=bool(told),
        translate=CATALOGUES.of(locale).ugettext,
        error=error,
    )


def told(*names, until=None):
    return {name: CredentialTold(fingerprint="9f2ac41b", since=NOW, until=until) for name in names}


def new(locale):
    return structs.replace(form(locale, "wechatpay"), has_sandbox=True)


def refused(locale):
    made = form(locale, "wechatpay", TYPED, error=CredentialsRefused(FLAWS))
    return structs.replace(made, title="总店商户号", has_flaws=True, has_sandbox=True)


def not_tried(locale):
    text = text_for(TrialRefused(platform_code="27", message="Invalid session"), locale, CATALOGUES)
    made = form(locale, "taobao", {"app_key": "21987231", "shop_id": "132592026"})
    return structs.replace(made, sentence=text.sentence, cause=text.cause, fix=text.fix, may_skip=True)


def kept(locale):
    values = {"app_id": "2021000000000001", "app_cert": "-----BEGIN CERTIFICATE-----\nMIIC"}
    known = told("app_id", "private_key_pkcs8") | told("app_cert", until=NOW + timedelta(days=9))
    return structs.replace(
        form(locale, "alipay", values, known),
        title="支付宝总店",
        mode="live",
        connection_id=str(uid(3)),
        callback_url="https://shop.example.cn/callbacks/alipay/018f0000-0000-7000-8000-000000000003",
        earlier_ends_at=NOW + timedelta(days=2),
        saved="agreed",
    )


TEMPLATE = "console/account_form.html"
ACCOUNTS_GALLERY = {
    "account-new": ("/connections", TEMPLATE, new),
    "account-refused-at-fields": ("/connections", TEMPLATE, refused),
    "account-refused-by-platform": ("/connections", TEMPLATE, not_tried),
    "account-kept": ("/connections", TEMPLATE, kept),
}
