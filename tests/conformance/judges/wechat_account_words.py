"""Runs in the environment of ``wechatpy``: signs pages with the SDK's own function, nothing else."""

from __future__ import annotations

import json
import sys

from wechatpy import WeChatClient


def main() -> None:
    """Standard input: pages as [nonce, ticket, timestamp, url]; standard output: their signatures."""
    jsapi = WeChatClient("wx0123456789abcdef", "none").jsapi
    json.dump([jsapi.get_jsapi_signature(*page) for page in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
