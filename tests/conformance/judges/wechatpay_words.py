"""Runs in the environment of ``wechatpayv3``: signs and verifies with the SDK's own functions, nothing else."""

from __future__ import annotations

import json
import sys

from wechatpayv3 import utils


def main() -> None:
    """Standard input: texts to sign, with which key, and what to verify; standard output: the answers.

    A text to verify comes in three parts that line feeds join, as the SDK's own function takes them.
    """
    given = json.load(sys.stdin)
    key = utils.load_private_key(given["private_key"])
    public_key = utils.load_public_key(given["public_key"])
    signed = [utils.rsa_sign(key, text) for text in given["sign"]]
    verified = [utils.rsa_verify(*parts, sign, public_key) for *parts, sign in given["verify"]]
    json.dump({"signed": signed, "verified": verified}, sys.stdout)


if __name__ == "__main__":
    main()
