"""Sample content of the pages that keep links honest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from browser_samples import LINK, uid
from msgspec import structs

from hutong.links.guard_states import HostState
from hutong.links.health import Health, Outcome
from hutong.links.hosts import OwnHost
from hutong.links.reports import Report, ReportReason
from hutong.web.buyer.pages import REPORTED, REPORTS_FULL, LeavingPage, ReportPage
from hutong.web.console.host_views import HostsView
from hutong.web.console.views import LinkGuardView

AT = datetime(2026, 11, 27, 5, 42, 7, tzinfo=UTC)


def host(number: int, name: str, state: HostState, **more: object) -> OwnHost:
    given = {
        "shown": name,
        "proof_url": f"https://{name}/.well-known/hutong-host.txt",
        "proof_line": "hutong-host=5f0c1be27a9d4e6b8a13c0d7e9f24b61",
        "failures": 0,
        "trouble": "",
        "is_shown": False,
        "created_at": AT - timedelta(days=9),
        "checked_at": AT,
        "verified_at": None,
        **more,
    }
    return OwnHost(host_id=uid(number), host=name, state=state, **given)  # type: ignore[arg-type]


HOSTS = HostsView(
    hosts=(
        host(1, "shop.example.cn", HostState.VERIFIED, verified_at=AT - timedelta(days=8), is_shown=True),
        host(2, "xn--yetu2d.example.cn", HostState.PENDING, shown="小店.example.cn", trouble="wrong", failures=1),
        host(3, "old-shop.example.cn", HostState.LOST, trouble="not_resolved", failures=3, verified_at=AT),
        host(4, "tea.example.cn", HostState.VERIFIED, trouble="timeout", failures=1, verified_at=AT),
    ),
    is_off=False,
    public_url="https://hub.example.cn",
)
REPORTS = (
    Report(reason="scam", words="页面要我再付一次运费，说付了才发货。", reported_at=AT),
    Report(reason="broken", words="", reported_at=AT - timedelta(hours=3)),
)
BROKEN = Health(
    outcome=Outcome.BROKEN,
    url="https://old-shop.example.cn/spring/tea.html?size=1&from=hutong&of=a-rule-of-the-link",
    status=404,
    trouble="gone",
    failures=2,
    broken_since_at=AT - timedelta(hours=12),
    checked_at=AT,
)
OUTWARD = structs.replace(
    LINK.row,
    link=structs.replace(LINK.row.link, destination="url", url="https://old-shop.example.cn/tea"),
    health=BROKEN,
)
REPORT = ReportPage(
    shop="海边小店",
    link="https://hub.example.cn/l/k7Qx1mP",
    address="/r/k7Qx1mP",
    reasons=tuple(reason.value for reason in ReportReason),
    words_chars_max=300,
)
LEAVING = LeavingPage(
    shop="海边小店",
    host="old-shop.example.cn",
    spelt="old-shop.example.cn",
    address="https://old-shop.example.cn/tea",
    report="/r/k7Qx1mP",
)
GUARDS_GALLERY = {
    "hosts": ("/hosts", "console/hosts.html", HOSTS),
    "hosts-empty": ("/hosts", "console/hosts.html", structs.replace(HOSTS, hosts=())),
    "hosts-off": ("/hosts", "console/hosts.html", structs.replace(HOSTS, hosts=HOSTS.hosts[:1], is_off=True)),
    "link-broken": (
        "/links/k7Qx1mP",
        "console/link.html",
        structs.replace(
            LINK,
            row=OUTWARD,
            guard=LinkGuardView(is_all_off=True, asks_first=True, health=BROKEN, reports=REPORTS),
        ),
    ),
    "buyer-leaving": ("/x/1", "buyer/leaving.html", LEAVING),
    "buyer-leaving-chinese": (
        "/x/1",
        "buyer/leaving.html",
        structs.replace(LEAVING, host="小店.example.cn", spelt="xn--yetu2d.example.cn"),
    ),
    "buyer-report": ("/r/1", "buyer/report.html", REPORT),
    "buyer-reported": ("/r/1", "buyer/message.html", REPORTED),
    "buyer-reports-full": ("/r/1", "buyer/message.html", REPORTS_FULL),
}
