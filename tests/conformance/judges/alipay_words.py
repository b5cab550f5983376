"""Runs in the environment of ``alipay-sdk-python``: signs and verifies with the SDK's own functions, nothing else."""

from __future__ import annotations

import json
import sys

import rsa
from alipay.aop.api.util.SignatureUtils import get_sign_content, sign_with_rsa2, verify_with_rsa


def bare(pem: str) -> str:
    """A key as the SDK wants it: without the lines around it."""
    return "".join(line for line in pem.splitlines() if not line.startswith("-----"))


def main() -> None:
    """Standard input: what to sign, with which key, and what to verify; standard output: the answers."""
    given = json.load(sys.stdin)
    signed = [sign_with_rsa2(bare(given["private_key"]), get_sign_content(one), "utf-8") for one in given["sign"]]
    verified = []
    for parameters in given["verify"]:
        sign = parameters.pop("sign")
        try:
            verified.append(verify_with_rsa(bare(given["public_key"]), get_sign_content(parameters).encode(), sign))
        except rsa.VerificationError:
            verified.append(False)
    json.dump({"signed": signed, "verified": verified}, sys.stdout)


if __name__ == "__main__":
    main()
