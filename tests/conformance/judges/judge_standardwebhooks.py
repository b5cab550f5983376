"""Runs in the judge's own environment: the unmodified library ``standardwebhooks`` verifies our messages.

Standard input: ``{"messages": [{"secret", "headers", "body"}]}``; output: for each message a line, ``verified`` with
what it read, or the name of the library's refusal.
"""

from __future__ import annotations

import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


def verdict_on(message: dict[str, object]) -> dict[str, object]:
    """What the library says of one message."""
    try:
        told = Webhook(str(message["secret"])).verify(str(message["body"]), dict(message["headers"]))  # type: ignore[call-overload]
    except WebhookVerificationError as refusal:
        return {"verified": False, "why": type(refusal).__name__}
    return {"verified": True, "told": told}


if __name__ == "__main__":
    for one in json.load(sys.stdin)["messages"]:
        sys.stdout.write(json.dumps(verdict_on(one)) + "\n")
