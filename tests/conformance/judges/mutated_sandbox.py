"""Mistakes to plant in the sandbox's signing and verification; run as a program, with ``HUTONG_SANDBOX_MUTATION=name``,
it compares the sandbox with one of them against outside vectors.

Only this file, on the tests' side, knows the mistakes; the sandbox itself has no such switch. Each mistake is one that
a person writing the canonicalisation could make. If one of them goes unnoticed, the judges prove nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from hutong.crypto import aead
from hutong_sandbox.alipay import certificates as alipay_certificates
from hutong_sandbox.alipay import signing as alipay
from hutong_sandbox.douyin import signing as douyin
from hutong_sandbox.jd import signing as jd
from hutong_sandbox.pinduoduo import signing as pinduoduo
from hutong_sandbox.taobao import signing as top
from hutong_sandbox.wechat_account import phone
from hutong_sandbox.wechatpay import accounts, older, parties
from hutong_sandbox.wechatpay import signing as wechat
from hutong_sandbox.wechatpay.errors import WireError

VECTORS = Path(__file__).parents[2] / "simulation" / "test_vectors.py"

_canonical = top.canonical
_request_text = wechat.request_text
_answer_text = wechat.answer_text
_invoke_text = wechat.invoke_text
_signature = wechat.signature
_parties_wire = parties.Parties.wire
_app_invoke_text = wechat.app_invoke_text
_message_text = older.message_text
_message_sign = older.message_sign
_hmac = top.sign_hmac
_pinduoduo_canonical = pinduoduo.canonical
_alipay_signature = alipay.signature
_douyin_canonical = douyin.canonical
_douyin_hmac = douyin.sign_hmac
_jd_canonical = jd.canonical


_page_text = phone.page_text


def _signed_with(digest: hashes.HashAlgorithm) -> Callable[..., str]:
    return lambda key, text: base64.b64encode(key.sign(text, padding.PKCS1v15(), digest)).decode()


def _sealed_without_associated_data(api_v3_key: str, plaintext: bytes, associated_data: str) -> dict[str, str]:
    nonce = wechat.fresh_nonce(wechat.AEAD_NONCE_CHARS)
    ciphertext = base64.b64encode(aead.encrypt(api_v3_key.encode(), nonce.encode(), plaintext, b"")).decode()
    return {
        "algorithm": wechat.AEAD_NAME,
        "nonce": nonce,
        "associated_data": associated_data,
        "ciphertext": ciphertext,
    }


def _sealed_with_hashed_key(api_v3_key: str, plaintext: bytes, associated_data: str) -> dict[str, str]:
    nonce = wechat.fresh_nonce(wechat.AEAD_NONCE_CHARS)
    key = hashlib.sha256(api_v3_key.encode()).digest()
    ciphertext = base64.b64encode(aead.encrypt(key, nonce.encode(), plaintext, associated_data.encode())).decode()
    return {
        "algorithm": wechat.AEAD_NAME,
        "nonce": nonce,
        "associated_data": associated_data,
        "ciphertext": ciphertext,
    }


def _accept(*_: Any) -> bool:
    return True


def _unsealed_with_sha256(key: Any, given: str) -> str:
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    try:
        return key.decrypt(base64.b64decode(given), oaep).decode()
    except ValueError as error:
        raise WireError("PARAM_ERROR", "敏感字段解密失败") from error


def _for_anybody(keyring: Any, provider: Any, sub_mchid: str, _sp_mchid: str) -> Any:
    return keyring.by_mchid(sub_mchid) or provider


def _for_nobody(self: Any) -> dict[str, str]:
    return {"sp_mchid": self.account.mchid, "sp_appid": self.appid} if self.is_provider else _parties_wire(self)


def _unsorted(parameters: Any, *, with_empty: bool) -> str:
    return "".join(f"{k}{v}" for k, v in parameters.items() if k != "sign" and (v or with_empty))


def _without(name: str) -> Callable[..., str]:
    return lambda parameters, *, with_empty: _canonical(
        {k: v for k, v in parameters.items() if k != name}, with_empty=with_empty
    )


def _with_equals(parameters: Any, *, with_empty: bool) -> str:
    return "&".join(f"{k}={v}" for k, v in sorted(parameters.items()) if k != "sign" and (v or with_empty))


def _md5(before: str, after: str, *, upper: bool = True) -> Callable[[str, str], str]:
    def sign(secret: str, text: str) -> str:
        digest = hashlib.md5((before.format(secret) + text + after.format(secret)).encode()).hexdigest()
        return digest.upper() if upper else digest

    return sign


def _douyin_of(*names: str) -> Callable[[Any], str]:
    return lambda given: "".join(f"{name}{given.get(name, '')}" for name in names)


def _douyin_keyed(before: str, after: str, digest: str = "sha256") -> Callable[[str, str], str]:
    return lambda secret, text: hmac.new(
        secret.encode(), f"{before.format(secret)}{text}{after.format(secret)}".encode(), digest
    ).hexdigest()


def _jd_without(name: str) -> Callable[..., str]:
    return lambda parameters: _jd_canonical({n: v for n, v in parameters.items() if n != name})


def _alipay_joined(outside: tuple[str, ...], *, is_sorted: bool = True, quoted: bool = False) -> Callable[..., bytes]:
    def text(parameters: Any) -> bytes:
        names = sorted(parameters) if is_sorted else list(parameters)
        parts = [(n, quote_plus(parameters[n]) if quoted else parameters[n]) for n in names if n not in outside]
        return "&".join(f"{name}={value}" for name, value in parts if value != "").encode()

    return text


def _rewritten(content: bytes) -> bytes:
    """The answer's object, read and written anew: the same to a JSON reader, and other bytes."""
    return json.dumps(json.loads(content), ensure_ascii=True).encode()


#: Name -> (judge that must find it, module, function, mistake).
MUTATIONS: dict[str, tuple[str, Any, str, Any]] = {
    "page_without_query": (
        "wechat_account",
        phone,
        "page_text",
        lambda t, n, at, u: _page_text(t, n, at, u.split("?")[0]),
    ),
    "page_with_fragment": (
        "wechat_account",
        phone,
        "page_text",
        lambda t, n, at, u: _page_text(t, n, at, "").removesuffix("url=") + f"url={u}",
    ),
    "page_without_nonce": ("wechat_account", phone, "page_text", lambda t, _n, at, u: _page_text(t, "", at, u)),
    "page_in_reverse": (
        "wechat_account",
        phone,
        "page_text",
        lambda *a: "&".join(reversed(_page_text(*a).split("&"))),
    ),
    "request_without_last_line_feed": ("wechatpay", wechat, "request_text", lambda *a: _request_text(*a)[:-1]),
    "request_without_query": (
        "wechatpay", wechat, "request_text", lambda m, t, *rest: _request_text(m, t.partition("?")[0], *rest)
    ),
    "request_without_body": ("wechatpay", wechat, "request_text", lambda *a: _request_text(*a[:4], b"")),
    "request_nonce_before_timestamp": (
        "wechatpay", wechat, "request_text", lambda m, t, s, n, b: _request_text(m, t, n, s, b)
    ),
    "request_method_in_lower_case": (
        "wechatpay", wechat, "request_text", lambda m, *rest: _request_text(m.lower(), *rest)
    ),
    "any_signature_is_good": ("wechatpay", wechat, "verifies", _accept),
    "answer_without_last_line_feed": ("wechatpay", wechat, "answer_text", lambda *a: _answer_text(*a)[:-1]),
    "answer_nonce_before_timestamp": ("wechatpay", wechat, "answer_text", lambda s, n, b: _answer_text(n, s, b)),
    "answer_without_body": ("wechatpay", wechat, "answer_text", lambda s, n, _b: _answer_text(s, n, b"")),
    "answer_signed_with_sha1": ("wechatpay", wechat, "signature", _signed_with(hashes.SHA1())),
    "answer_signature_in_hex": (
        "wechatpay", wechat, "signature", lambda k, t: base64.b64decode(_signature(k, t)).hex()
    ),
    "notice_sealed_without_associated_data": ("wechatpay", wechat, "sealed", _sealed_without_associated_data),
    "notice_sealed_with_hashed_key": ("wechatpay", wechat, "sealed", _sealed_with_hashed_key),
    "invoke_without_last_line_feed": ("wechatpay", wechat, "invoke_text", lambda *a: _invoke_text(*a)[:-1]),
    "invoke_package_without_name": (
        "wechatpay", wechat, "invoke_text", lambda a, s, n, p: _invoke_text(a, s, n, p.removeprefix("prepay_id="))
    ),
    "app_invoke_with_a_name": (
        "wechatpay", wechat, "app_invoke_text", lambda a, s, n, p: _app_invoke_text(a, s, n, f"prepay_id={p}")
    ),
    "app_invoke_without_last_line_feed": (
        "wechatpay", wechat, "app_invoke_text", lambda *a: _app_invoke_text(*a)[:-1]
    ),
    "sensitive_fields_by_sha256": ("wechatpay", wechat, "unsealed_field", _unsealed_with_sha256),
    "provider_acts_for_anybody": ("wechatpay", parties, "sub_merchant", _for_anybody),
    "provider_does_not_say_for_whom": ("wechatpay", parties.Parties, "wire", _for_nobody),
    "older_message_unsorted": (
        "wechatpay_older",
        older,
        "message_text",
        lambda f, k: "".join(f"{n}={v}&" for n, v in f.items() if v and n != "sign") + "key=" + k,
    ),
    "older_lower_case_digest": (
        "wechatpay_older", older, "message_sign", lambda f, k, t: _message_sign(f, k, t).lower()
    ),
    "older_anybodys_certificate_is_good": ("wechatpay_older", accounts.Keyring, "shows_itself", _accept),
    "older_any_signature_is_good": ("wechatpay_older", older, "same_sign", _accept),
    "older_fields_unsorted": (
        "vectors", older, "message_text", lambda f, k: "".join(f"{n}={v}&" for n, v in f.items() if v) + "key=" + k
    ),
    "older_key_without_name": (
        "vectors", older, "message_text", lambda f, k: _message_text(f, k).replace("&key=", "&")
    ),
    "older_hmac_for_md5": ("vectors", older.digests, "md5", lambda text: older.digests.hmac_sha256(b"", text)),
    "older_md5_for_hmac": ("vectors", older.digests, "hmac_sha256", lambda _key, text: older.digests.md5(text)),
    "top_parameters_unsorted": ("taobao", top, "canonical", _unsorted),
    "top_joined_as_query": ("taobao", top, "canonical", _with_equals),
    "top_without_session": ("taobao", top, "canonical", _without("session")),
    "top_without_sign_method": ("taobao", top, "canonical", _without("sign_method")),
    "top_lower_case_digest": ("taobao", top, "sign_md5", _md5("{}", "{}", upper=False)),
    "top_secret_only_before": ("taobao", top, "sign_md5", _md5("{}", "")),
    "top_secret_only_after": ("taobao", top, "sign_md5", _md5("", "{}")),
    "top_sha256_for_md5": ("taobao", top, "sign_md5", top.sign_hmac_sha256),
    "top_hmac_lower_case": ("vectors", top, "sign_hmac", lambda s, t: _hmac(s, t).lower()),
    "top_hmac_of_wrapped_text": ("vectors", top, "sign_hmac", lambda s, t: _hmac(s, s + t + s)),
    "top_hmac_is_sha256": ("vectors", top, "sign_hmac", top.sign_hmac_sha256),
    "top_hmac_sha256_is_md5": ("vectors", top, "sign_hmac_sha256", top.sign_hmac),
    "top_any_signature_is_good": ("taobao", top, "verifies", _accept),
    "pinduoduo_unsorted": (
        "pinduoduo_alliance",
        pinduoduo,
        "canonical",
        lambda p: "".join(f"{n}{v}" for n, v in p.items() if n != "sign"),
    ),
    "pinduoduo_joined_as_query": (
        "pinduoduo_alliance",
        pinduoduo,
        "canonical",
        lambda p: "&".join(f"{n}={v}" for n, v in sorted(p.items()) if n != "sign"),
    ),
    "pinduoduo_without_version": (
        "pinduoduo_alliance",
        pinduoduo,
        "canonical",
        lambda p: _pinduoduo_canonical({n: v for n, v in p.items() if n != "version"}),
    ),
    "pinduoduo_lower_case_digest": ("pinduoduo_alliance", pinduoduo, "signature", _md5("{0}", "{0}", upper=False)),
    "pinduoduo_secret_only_before": ("pinduoduo_alliance", pinduoduo, "signature", _md5("{0}", "")),
    "pinduoduo_secret_only_after": ("pinduoduo_alliance", pinduoduo, "signature", _md5("", "{0}")),
    "pinduoduo_any_signature_is_good": ("pinduoduo_alliance", pinduoduo, "verifies", _accept),
    "douyin_version_first": (
        "douyin_alliance", douyin, "canonical", _douyin_of("app_key", "method", "param_json", "v", "timestamp")
    ),
    "douyin_with_token": (
        "douyin_alliance", douyin, "canonical", _douyin_of("access_token", *douyin.SIGNED)
    ),
    "douyin_with_sign_method": (
        "douyin_alliance", douyin, "canonical",
        _douyin_of("app_key", "method", "param_json", "sign_method", "timestamp", "v"),
    ),
    "douyin_without_body": (
        "douyin_alliance", douyin, "canonical", lambda given: _douyin_canonical({**given, "param_json": ""})
    ),
    "douyin_values_alone": (
        "douyin_alliance", douyin, "canonical", lambda given: "".join(given.get(name, "") for name in douyin.SIGNED)
    ),
    "douyin_method_as_path": (
        "douyin_alliance", douyin, "canonical",
        lambda given: _douyin_canonical({**given, "method": "/" + given["method"].replace(".", "/")}),
    ),
    "douyin_body_written_anew": (
        "douyin_alliance", douyin, "canonical",
        lambda given: _douyin_canonical({**given, "param_json": json.dumps(json.loads(given["param_json"]))}),
    ),
    "douyin_secret_only_before": ("douyin_alliance", douyin, "sign_hmac", _douyin_keyed("{}", "")),
    "douyin_secret_only_as_key": ("douyin_alliance", douyin, "sign_hmac", _douyin_keyed("", "")),
    "douyin_md5_for_hmac": ("douyin_alliance", douyin, "sign_hmac", douyin.sign_md5),
    "douyin_sha1_for_sha256": ("douyin_alliance", douyin, "sign_hmac", _douyin_keyed("{}", "{}", "sha1")),
    "douyin_upper_case_digest": (
        "douyin_alliance", douyin, "sign_hmac", lambda s, t: _douyin_hmac(s, t).upper()
    ),
    "douyin_any_signature_is_good": ("douyin_alliance", douyin, "verifies", _accept),
    "jd_parameters_unsorted": (
        "jd_alliance", jd, "canonical", lambda p: "".join(f"{n}{v}" for n, v in p.items() if n != "sign")
    ),
    "jd_joined_as_query": (
        "jd_alliance", jd, "canonical", lambda p: "&".join(f"{n}={v}" for n, v in sorted(p.items()) if n != "sign")
    ),
    "jd_without_format": ("jd_alliance", jd, "canonical", _jd_without("format")),
    "jd_without_older_business": ("jd_alliance", jd, "canonical", _jd_without("param_json")),
    "jd_without_newer_business": ("jd_alliance_second", jd, "canonical", _jd_without("360buy_param_json")),
    "jd_without_time": ("jd_alliance_second", jd, "canonical", _jd_without("timestamp")),
    "jd_lower_case_digest": ("jd_alliance_second", jd, "signature", _md5("{}", "{}", upper=False)),
    "jd_secret_only_before": ("jd_alliance", jd, "signature", _md5("{}", "")),
    "jd_secret_only_after": ("jd_alliance_second", jd, "signature", _md5("", "{}")),
    "jd_any_signature_is_good": ("jd_alliance", jd, "verifies", _accept),
    "alipay_request_unsorted": ("alipay", alipay, "request_text", _alipay_joined(("sign",), is_sorted=False)),
    "alipay_request_without_sign_type": ("alipay", alipay, "request_text", _alipay_joined(("sign", "sign_type"))),
    "alipay_request_values_encoded": ("alipay", alipay, "request_text", _alipay_joined(("sign",), quoted=True)),
    "alipay_request_without_content": ("alipay", alipay, "request_text", _alipay_joined(("sign", "biz_content"))),
    "alipay_any_signature_is_good": ("alipay", alipay, "verifies", _accept),
    "alipay_notice_with_sign_type": ("alipay", alipay, "notice_text", _alipay_joined(("sign",))),
    "alipay_notice_unsorted": (
        "alipay", alipay, "notice_text", _alipay_joined(("sign", "sign_type"), is_sorted=False)
    ),
    "alipay_notice_values_encoded": (
        "alipay", alipay, "notice_text", _alipay_joined(("sign", "sign_type"), quoted=True)
    ),
    "alipay_answer_written_anew": ("alipay", alipay, "answer_text", _rewritten),
    "alipay_answer_without_braces": ("alipay", alipay, "answer_text", lambda content: content[1:-1]),
    # The official SDK takes whatever digest the signature names; the other one insists on SHA-256.
    "alipay_answer_signed_with_sha1": ("alipay_second", alipay, "signature", _signed_with(hashes.SHA1())),
    "alipay_answer_signature_in_hex": (
        "alipay", alipay, "signature", lambda k, t: base64.b64decode(_alipay_signature(k, t)).hex()
    ),
    "alipay_serial_first": (
        "alipay_second", alipay_certificates, "serial_text", lambda name, serial: hashlib.md5(
            f"{serial}CN={name},OU={alipay_certificates.AUTHORITY},"
            f"O={alipay_certificates.ORGANISATION},C=CN".encode()
        ).hexdigest()
    ),
    "alipay_serial_in_hexadecimal": (
        "alipay_second", alipay_certificates, "serial_text", lambda name, serial: hashlib.md5(
            f"CN={name},OU={alipay_certificates.AUTHORITY},"
            f"O={alipay_certificates.ORGANISATION},C=CN{serial:x}".encode()
        ).hexdigest()
    ),
    "alipay_serial_most_general_first": (
        "alipay_second", alipay_certificates, "serial_text", lambda name, serial: hashlib.md5(
            f"C=CN,O={alipay_certificates.ORGANISATION},"
            f"OU={alipay_certificates.AUTHORITY},CN={name}{serial}".encode()
        ).hexdigest()
    ),
}  # fmt: skip


def plant(name: str) -> None:
    """Put the mistake in the place of what is right."""
    _, module, function, mistake = MUTATIONS[name]
    assert callable(getattr(module, function))
    setattr(module, function, mistake)


def main() -> None:
    """Plant the mistake and compare with outside vectors; ``sandbox_nursery.py`` serves with one."""
    name = os.environ.get("HUTONG_SANDBOX_MUTATION")
    if name:
        plant(name)
    sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", str(VECTORS)]))


if __name__ == "__main__":
    main()
