"""Runs in the environment of ``python-alipay-sdk``: signs and verifies with the SDK's own client, nothing else."""

from __future__ import annotations

import json
import sys
from urllib.parse import parse_qs

from alipay import AliPay


def main() -> None:
    """Standard input: what to sign, with which key, and what to verify; standard output: the answers."""
    given = json.load(sys.stdin)
    client = AliPay(
        appid="2021000000000001",
        app_private_key_string=given["private_key"],
        alipay_public_key_string=given["public_key"],
    )
    signed = [parse_qs(client.sign_data(one))["sign"][0] for one in given["sign"]]
    verified = []
    for parameters in given["verify"]:
        sign = parameters.pop("sign")
        # Requests sign their sign_type too, which ``verify`` leaves out: what it calls is asked with the whole text.
        text = "&".join(f"{name}={value}" for name, value in sorted(parameters.items()))
        verified.append(client._verify(text, sign))
    json.dump({"signed": signed, "verified": verified}, sys.stdout)


if __name__ == "__main__":
    main()
