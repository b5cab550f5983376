"""An unmodified outside library verifies our webhooks, and refuses what was changed, forged or kept too long."""

from __future__ import annotations

import base64
import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from judges_roster import STANDARD_WEBHOOKS

from hutong.payments.events import PaymentCaptured
from hutong.webhooks.public import BY_EVENT, message_of
from hutong.webhooks.signing import PREFIX, headers_of, new_secret

HERE = Path(__file__).parent
JUDGE_S_MAX = 60
pytestmark = pytest.mark.judge


@pytest.fixture(scope="module")
def verify(environments):
    """What the library says of messages, each a secret, headers and a body."""

    def run(messages):
        given = {"messages": [{"secret": s, "headers": h, "body": b.decode()} for s, h, b in messages]}
        done = subprocess.run(
            [str(environments[STANDARD_WEBHOOKS].python), str(HERE / "judge_standardwebhooks.py")],
            check=True,
            input=json.dumps(given),
            capture_output=True,
            text=True,
            timeout=JUDGE_S_MAX,
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def message(secrets, *, sent_at=None, event_id=None):
    """A message of ours and its headers."""
    now = sent_at or datetime.now(UTC)
    ids = {name: uuid4() for name in ("payment_id", "order_id", "attempt_id", "connection_id")}
    event = PaymentCaptured(**ids, platform="wechatpay", amount_minor=1230, currency="CNY", paid_at=now)
    event_id = event_id or uuid4()
    body = message_of(BY_EVENT[event.name], event, event_id=event_id, occurred_at=now, merchant_id=UUID(int=1))
    return headers_of(event_id, now, body, secrets), body


def test_the_library_verifies_what_we_send_and_reads_it(verify):
    secret, other = new_secret(), new_secret()
    one, both = message([secret]), message([other, secret])
    told = verify([(secret, *one), (secret, *both), (other, *both)])
    assert [verdict["verified"] for verdict in told] == [True] * 3
    assert told[0]["told"] == json.loads(one[1])
    assert told[0]["told"]["type"] == "payment.paid"


def test_the_library_refuses_another_key_every_changed_byte_and_old_messages(verify):
    secret = new_secret()
    headers, body = message([secret])
    spoilt = [(new_secret(), headers, body)]
    for at in range(0, len(body), 7):
        changed = bytearray(body)
        changed[at] ^= 1
        spoilt.append((secret, headers, bytes(changed)))
    spoilt.append((secret, {**headers, "webhook-id": str(uuid4())}, body))
    spoilt.append((secret, {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}, body))
    moments = [datetime.now(UTC) - late for late in (timedelta(minutes=6), -timedelta(minutes=6))]
    spoilt += [(secret, *message([secret], sent_at=moment)) for moment in moments]
    assert len(spoilt) > 40
    told = verify([*spoilt, (secret, headers, body)])
    assert [verdict["verified"] for verdict in told] == [False] * len(spoilt) + [True]


def test_a_secret_is_as_long_as_the_specification_asks():
    for _ in range(50):
        secret = new_secret()
        assert secret.startswith(PREFIX)
        assert 24 <= len(base64.b64decode(secret.removeprefix(PREFIX))) <= 64
