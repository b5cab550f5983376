"""Sample content of the pages about pushed events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from browser_samples import SINGLE, uid

from hutong.web.console.payment_views import StateTab
from hutong.web.console.webhook_views import EndpointItem, SecretShown, WebhooksView, WebhookView
from hutong.web.console.webhooks import type_choices
from hutong.webhooks.queries import Attempt, Delivery
from hutong.webhooks.service import Endpoint
from hutong.webhooks.states import DeliveryState, DisabledBecause, EndpointState

AT = datetime(2026, 11, 23, 5, 42, 7, tzinfo=UTC)


def endpoint(number: int, title: str, **more: object) -> Endpoint:
    given = {
        "url": f"https://erp-{number}.example.com.cn/hutong/events/receive",
        "event_types": ("payment.*", "order.paid"),
        "state": EndpointState.ACTIVE,
        "disabled_because": None,
        "created_at": AT - timedelta(days=40),
        "old_secret_until_at": None,
        "last_success_at": AT,
        "failing_since_at": None,
        **more,
    }
    return Endpoint(endpoint_id=uid(number), title=title, **given)  # type: ignore[arg-type]


FINE = EndpointItem(endpoint=endpoint(1, "进销存系统"), delivered=1204)
FAILING = EndpointItem(
    endpoint=endpoint(2, "会计软件", failing_since_at=AT, old_secret_until_at=AT + timedelta(days=1)),
    waiting=38,
    delivered=410,
)
GONE = EndpointItem(
    endpoint=endpoint(
        3,
        "老系统",
        state=EndpointState.DISABLED,
        disabled_because=DisabledBecause.GONE,
        event_types=("*",),
        last_success_at=None,
    ),
    failed=12_345,
)
NEW = EndpointItem(endpoint=endpoint(4, "数据分析", last_success_at=None, event_types=("stock.changed",)))


def attempt(number: int, status: int, trouble: str = "", answer: str = "") -> Attempt:
    at = AT + timedelta(minutes=5 * number)
    return Attempt(attempt_no=number, attempted_at=at, status=status, trouble=trouble, duration_ms=230, answer=answer)


def delivery(number: int, event_type: str, state: DeliveryState, *attempts: Attempt) -> Delivery:
    waits = state is DeliveryState.WAITING
    return Delivery(
        event_id=uid(number + 100),
        event_type=event_type,
        state=state,
        attempts_count=len(attempts),
        created_at=AT,
        next_try_at=AT + timedelta(hours=2) if waits else None,
        ended_at=None if waits else AT,
        attempts=attempts,
    )


DELIVERIES = (
    delivery(
        1,
        "payment.paid",
        DeliveryState.WAITING,
        attempt(3, 0, "timeout"),
        attempt(2, 503, answer="<html><body>Service Unavailable, please try again later</body></html>" * 5),
        attempt(1, 0, "unreachable"),
    ),
    delivery(2, "order.paid", DeliveryState.DELIVERED, attempt(1, 204)),
    delivery(3, "payment.refund_failed", DeliveryState.FAILED, attempt(1, 404, answer="not found")),
    delivery(4, "webhook.test", DeliveryState.WAITING),
)


def page(item: EndpointItem, deliveries: tuple[Delivery, ...] = DELIVERIES, **more: object) -> WebhookView:
    counts = {"": 452, "waiting": 38, "delivered": 410, "failed": 4}
    given = {
        "choices": type_choices(),
        "tabs": tuple(StateTab(state=state, count=count, href="/webhooks") for state, count in counts.items()),
        "state": "",
        "paging": SINGLE,
        **more,
    }
    return WebhookView(item=item, rows=deliveries, **given)  # type: ignore[arg-type]


SHOWN = SecretShown(endpoint_id=uid(4), secret="whsec_" + "ab3De" * 8 + "xyZ=")

WEBHOOKS_GALLERY = {
    "webhooks": (
        "/webhooks",
        "console/webhooks.html",
        WebhooksView(items=(FINE, FAILING, GONE, NEW), choices=type_choices()),
    ),
    "webhooks-none": ("/webhooks", "console/webhooks.html", WebhooksView(items=(), choices=type_choices())),
    "webhook-fine": ("/webhooks/1", "console/webhook.html", page(FINE, replayed=12)),
    "webhook-failing": ("/webhooks/1", "console/webhook.html", page(FAILING)),
    "webhook-gone": ("/webhooks/1", "console/webhook.html", page(GONE, replayed=0)),
    "webhook-made": ("/webhooks/1", "console/webhook.html", page(NEW, (), shown=SHOWN)),
}
