"""The simulator's own texts and serials of Alipay against vectors from outside (the same file pins the connector)."""

from __future__ import annotations

import json
import re
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from hutong_sandbox.alipay import certificates, signing

VECTORS = json.loads((Path(__file__).parents[1] / "unit" / "connectors" / "alipay_vectors.json").read_text("utf-8"))


def key_of(bare: str):
    return load_pem_public_key(f"-----BEGIN PUBLIC KEY-----\n{bare}\n-----END PUBLIC KEY-----\n".encode())


def test_the_documents_request():
    vector = VECTORS["request"]
    assert signing.request_text({**vector["parameters"], "sign": "x", "empty": ""}).decode() == vector["text"]


def test_a_callback_of_the_live_platform():
    vector = VECTORS["notice"]
    given, key = vector["parameters"], key_of(vector["public_key"])
    assert signing.verifies(key, given["sign"], signing.notice_text(given))
    for name in given:
        if name not in ("sign", "sign_type"):
            changed = {**given, name: given[name] + "?"}
            assert not signing.verifies(key, given["sign"], signing.notice_text(changed)), name


def test_an_answer_of_the_live_gateway():
    vector = VECTORS["answer"]
    content, sign = re.fullmatch(r'\{"\w+_response":(\{.*\}),"sign":"([^"]+)"\}', vector["body"]).groups()
    key = key_of(vector["public_key"])
    assert signing.verifies(key, sign, signing.answer_text(content.encode()))
    assert not signing.verifies(key, sign, signing.answer_text(content.replace(":", ": ").encode()))
    body = signing.envelope(vector["method"], content.encode(), sign, "")
    assert body.decode() == vector["body"]


def test_serials(monkeypatch):
    vector = VECTORS["certificates"]
    monkeypatch.setattr(certificates, "ORGANISATION", "Ant Financial")
    for name, issuer in (("app_cert", "Class 1"), ("alipay_cert", "Class 2")):
        serial = x509.load_pem_x509_certificate(vector[name].encode()).serial_number
        found = certificates.serial_text(f"Ant Financial Certification Authority {issuer} R1", serial)
        assert found == vector[f"{name}_sn"]
