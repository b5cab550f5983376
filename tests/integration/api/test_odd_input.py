"""Whatever is sent to whatever address, the hub is never at fault: over the application's own table of routes, so that
a route made tomorrow is asked as well.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote
from uuid import uuid4

import msgspec.inspect as inspection
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from hutong.web.api.bodies import RequestBody
from hutong.web.session import CSRF_FIELD

pytestmark = pytest.mark.slow

API = "/api/v1"
PATH_VALUES = ("%00", "a%00b", "%ff", "%ed%a0%80", "x" * 3000, "%E4%B8%AD", "..", "0", "-1", "9" * 30)
#: Moments that no database and no calendar reaches from every time zone, and one without a zone.
MOMENTS = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z", "2026-01-01T00:00:00")
DAYS = ("0001-01-01", "9999-12-31", "-1", "2026-02-30", "%00")
LEGS = [{"account": "external:points:a", "amount_minor": amount} for amount in (-1, 1)]
NUMBERS = ("9" * 30, "9" * 5_000, "-9223372036854775809", "x" * 3_000, "%ff", "")
BODIES = (
    b'{"title":"\xff"}',
    '{"title":"商品"}'.encode("gbk"),
    b'{"\xff":1}',
    b"[" * 2_000,
    b'{"a":' * 2_000,
    b"",
    b"\x00",
    b"null",
    b'"x"',
)
FORM = "application/x-www-form-urlencoded"
#: Every third call here, which asks some of every place and of every value (no list of values has a length that three
#: divides); all of them by `make proof-suite`.
SAMPLED = pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.long)], ids=["sample", "all"])
FORMS = (
    (FORM, b"\xff=\xfe&%ff=%fe&%00=%00&title=%ff"),
    (FORM, "title=商品".encode("gbk")),
    ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n\xff\x00\r\n--x--'),
    ("multipart/form-data", b"x"),
    ("application/json", BODIES[0]),
    ("application/json", BODIES[3]),
    ("\xff/x", b"x"),
)


def routes(app: Litestar) -> list[HTTPRoute]:
    found = [route for route in app.routes if isinstance(route, HTTPRoute)]
    assert len(found) > 90, "the table of routes cannot be read any more"
    return found


def addresses(route: HTTPRoute, value: str) -> str:
    """The route's address with ``value`` in every place that takes one."""
    parts = (part if isinstance(part, str) else value for part in route.path_components)
    return "/" + "/".join(parts)


def filled(route: HTTPRoute) -> str:
    """The route's address with places that hold what they must, of nobody."""
    kinds = {"uuid": str(uuid4()), "int": "1"}
    parts = (
        part if isinstance(part, str) else kinds.get(part.full.rpartition(":")[2], "x")
        for part in route.path_components
    )
    return "/" + "/".join(parts)


async def refusals(caller, calls):
    """Make the calls; each that the hub took for its own fault, and how many there were."""
    at_fault, count = [], 0
    for method, path, given in calls:
        answer = await caller.client.request(method, path, follow_redirects=False, **given)
        count += 1
        if answer.status_code >= 500:
            at_fault.append((method, path[:80], str(given)[:80], answer.status_code))
    return at_fault, count


def handler_of(route: HTTPRoute, method: str):
    return next(handler for handler in route.route_handlers if method in handler.http_methods)


def application(caller) -> Litestar:
    return caller.client._transport.app


@SAMPLED
def test_signed_out_no_address_breaks(calling, every):
    async def work(caller):
        caller.client.headers.pop("authorization")
        calls = [
            ("GET", addresses(route, value) + tail, {})
            for route in routes(application(caller))
            if "GET" in route.methods
            for value in PATH_VALUES
            for tail in (("", "%00") if route.path_parameters else ("",))
        ]
        at_fault, count = await refusals(caller, calls[::every])
        assert at_fault == []
        assert count > 1_000 // every

    calling(work)


def test_with_a_key_no_address_of_the_api_breaks(calling):
    async def work(caller):
        calls = [
            (method, addresses(route, value), {} if method == "GET" else {"content": b"{}"})
            for route in routes(application(caller))
            if route.path.startswith(API) and route.path_parameters
            for method in route.methods - {"OPTIONS", "HEAD"}
            for value in PATH_VALUES
        ]
        at_fault, _ = await refusals(caller, calls)
        assert at_fault == []

    calling(work)


def test_bytes_that_are_no_text_are_the_senders_mistake(calling):
    async def work(caller):
        taking = [
            (method, route)
            for route in routes(application(caller))
            if route.path.startswith(API)
            for method in route.methods & {"POST", "PATCH", "PUT"}
        ]
        assert len(taking) > 20
        for method, route in taking:
            for body in BODIES:
                headers = {"content-type": "application/json", "idempotency-key": uuid4().hex}
                answer = await caller.client.request(method, filled(route), content=body, headers=headers)
                assert 400 <= answer.status_code < 500 or not body_matters(route, method), (route.path, body[:20])
                if answer.status_code >= 400:
                    assert answer.headers["content-type"] == "application/problem+json"

    calling(work)


def body_matters(route: HTTPRoute, method: str) -> bool:
    handler = handler_of(route, method)
    return "data" in handler.parsed_fn_signature.parameters


@pytest.mark.parametrize("body", BODIES[:5])
def test_what_is_wrong_with_the_bytes_is_told(calling, body):
    async def work(caller):
        headers = {"content-type": "application/json"}
        answer = await caller.client.post(f"{API}/products", content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "body_unreadable")
        assert "UTF-8" in answer.json()["detail"]
        english = await caller.client.post(
            f"{API}/products", content=body, headers={**headers, "accept-language": "en"}
        )
        assert "UTF-8" in english.json()["detail"]
        assert english.json()["detail"] != answer.json()["detail"]

    calling(work)


def test_forms_and_queries_of_any_bytes(calling):
    async def work(caller):
        app = application(caller)
        pages = [route for route in routes(app) if not route.path.startswith(API)]
        forms = [
            ("POST", filled(route), {"content": body, "headers": {"content-type": kind.encode("latin-1")}})
            for route in pages
            if "POST" in route.methods
            for kind, body in FORMS
        ]
        queries = [
            ("GET", f"{filled(route)}?{query}", {})
            for route in pages
            if "GET" in route.methods
            for query in ("a=%ff&%ff=%00&lang=%ff", "page=%ff&first=%ff&k=%00", "lang=en&%ed%a0%80=1")
        ]
        at_fault, count = await refusals(caller, [*forms, *queries])
        assert at_fault == []
        assert count > 200

    calling(work)


def moment_parameters(route: HTTPRoute) -> list[str]:
    """The names in the query that hold a moment."""
    parameters = handler_of(route, "GET").parsed_fn_signature.parameters.values()
    return [
        each.name for each in parameters if datetime in {each.annotation, *(one.annotation for one in each.inner_types)}
    ]


@SAMPLED
def test_signed_in_no_page_breaks_over_what_is_asked_of_it(calling, every):
    async def work(caller):
        app = application(caller)
        await caller.sign_in()
        assert (await caller.client.get("/payments?first=2026-01-01")).status_code == 200
        asked = [
            (route, name)
            for route in routes(app)
            if "GET" in route.methods and not route.path.startswith("/api")
            for name in query_of(route)
        ]
        assert {name for _, name in asked} >= {"first", "last", "day", "page", "period"}
        calls = [("GET", f"{filled(route)}?{name}={value}", {}) for route, name in asked for value in (*DAYS, *NUMBERS)]
        calls += [
            ("GET", f"{filled(route)}?first={first}&last={last}", {})
            for route in {route.path: route for route, name in asked if name == "first"}.values()
            for first, last in (
                ("0001-01-01", "0001-01-02"),
                ("9999-12-31", "9999-12-31"),
                ("0001-01-01", "9999-12-31"),
            )
        ]
        at_fault, count = await refusals(caller, calls[::every])
        assert at_fault == []
        assert count > 200

    calling(work)


@SAMPLED
def test_signed_in_no_address_breaks(calling, every):
    async def work(caller):
        await caller.sign_in()
        calls = [
            ("GET", addresses(route, value), {})
            for route in routes(application(caller))
            if "GET" in route.methods and route.path_parameters and not route.path.startswith("/api")
            for value in (*PATH_VALUES, str(2**63 - 1), str(2**63), str(uuid4()))
        ]
        at_fault, count = await refusals(caller, calls[::every])
        assert at_fault == []
        assert count > 100

    calling(work)


@SAMPLED
def test_signed_in_no_form_breaks_over_what_is_filled_in(calling, every):
    async def work(caller):
        token = await caller.sign_in()
        taking = [
            route
            for route in routes(application(caller))
            if "POST" in route.methods and not route.path.startswith((API, "/logout"))
        ]
        calls, fields_count = [], 0
        for route in taking:
            fields = fields_of(route)
            fields_count += len(fields)
            usual = dict.fromkeys(fields, "1") | {CSRF_FIELD: token}
            for name in fields:
                for value in (*DAYS, *NUMBERS, "a%00b", str(uuid4()), "NaN", "1e400", "%D9%A1%D9%A2"):
                    body = "&".join(f"{each}={value if each == name else given}" for each, given in usual.items())
                    calls.append(("POST", filled(route), {"content": body, "headers": {"content-type": FORM}}))
            for tail in (b"&\xff=\xfe", b"&%ff=%00", b"&a=%zz&="):
                body = f"{CSRF_FIELD}={token}".encode() + tail
                calls.append(("POST", filled(route), {"content": body, "headers": {"content-type": FORM}}))
        at_fault, count = await refusals(caller, calls[::every])
        assert at_fault == []
        assert fields_count > 20
        assert count > 200
        taken = [
            await caller.client.request(method, path, **given) for method, path, given in calls[:: len(calls) // 40]
        ]
        forged = {answer.url.path for answer in taken if "表单已失效" in answer.text or answer.status_code == 401}
        assert forged <= {"/login"}, "the forms were not the owner's"  # signing in has a secret of its own

    calling(work)


def fields_of(route: HTTPRoute) -> set[str]:
    """The names that a form's struct has."""
    data = handler_of(route, "POST").parsed_fn_signature.parameters.get("data")
    return set(getattr(data.annotation, "__struct_fields__", ())) if data is not None else set()


def query_of(route: HTTPRoute) -> set[str]:
    """What an address reads of its query: every plain parameter of its handler, by the name it has outside."""
    found = set()
    for name, each in handler_of(route, "GET").parsed_fn_signature.parameters.items():
        if name not in {"request", "desk", "buyer", "creator", "runtime", "tries"}:
            found.add(getattr(each.kwarg_definition, "query", None) or name)
    return found - set(route.path_parameters)


def test_moments_out_of_every_calendar_are_refused(calling):
    async def work(caller):
        asked = []
        for route in routes(application(caller)):
            if not route.path.startswith(API) or "GET" not in route.methods:
                continue
            for name in moment_parameters(route):
                asked.append((route.path, name))
                for moment in MOMENTS:
                    further = "&account=external:points:issued" if "/ledger/" in route.path else ""
                    answer = await caller.client.get(f"{filled(route)}?{name}={quote(moment)}{further}")
                    assert answer.status_code == 400, (route.path, name, moment, answer.text)
                    assert answer.json()["code"] == "invalid_input", (route.path, name, moment)
                    assert answer.json()["details"]["field"] == name
        assert len(asked) >= 9

    calling(work)


def bodies(app: Litestar):
    """Every struct that a request of the API carries."""
    for route in routes(app):
        for handler in route.route_handlers if route.path.startswith(API) else ():
            if "data" in handler.parsed_fn_signature.parameters:
                yield handler.parsed_fn_signature.parameters["data"].annotation


def free_texts(node, place):
    """The places in a type that take a text of any length."""
    if isinstance(node, inspection.StrType):
        bounded = node.max_length is not None or node.pattern is not None
        return [] if bounded else [place]
    if isinstance(node, inspection.StructType):
        return [found for each in node.fields for found in free_texts(each.type, f"{place}.{each.name}")]
    parts = [getattr(node, name, None) for name in ("item_type", "key_type", "value_type", "type")]
    parts += [*getattr(node, "types", ()), *getattr(node, "item_types", ())]
    return [found for part in parts if isinstance(part, inspection.Type) for found in free_texts(part, place)]


def test_every_text_of_a_request_is_bounded_and_every_moment_looked_at(calling):
    async def work(caller):
        known = set(bodies(application(caller)))
        assert len(known) > 15
        assert [name for body in known for name in free_texts(inspection.type_info(body), body.__name__)] == []
        assert [body.__name__ for body in known if not issubclass(body, RequestBody)] == []

    calling(work)


def test_a_text_too_long_is_refused_with_its_field(calling):
    async def work(caller):
        channel = {"kind": "post", "platform": "微" * 90_000, "name": "帖"}
        answer = await caller.send("/channels", channel)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
        assert "platform" in str(answer.json()["details"])

    calling(work)


@pytest.mark.parametrize("moment", MOMENTS)
def test_moments_in_bodies_are_refused_with_their_field(calling, moment):
    async def work(caller):
        somebody = str(uuid4())
        for path, field, body in (
            ("/statements", "start_at", {"party_id": somebody, "start_at": moment, "end_at": "2026-01-01T00:00:00Z"}),
            ("/statements", "end_at", {"party_id": somebody, "start_at": "2026-01-01T00:00:00Z", "end_at": moment}),
            ("/payouts", "paid_at", {"party_id": somebody, "amount_minor": 1, "paid_at": moment, "reference": "x"}),
            ("/links", "expires_at", {"title": "x", "channel_id": somebody, "expires_at": moment}),
            ("/ledger/holds", "event_at", {"legs": LEGS, "key": "k", "event_at": moment}),
        ):
            answer = await caller.send(path, body)
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input"), (path, answer.text)
            assert answer.json()["details"]["field"] == field

    calling(work)


def test_a_channel_nobody_came_by_is_listed_too(calling):
    async def work(caller):
        made = await caller.post("/channels", {"kind": "post", "platform": "weibo", "name": "第一帖"})
        listed = (await caller.get("/channels"))["items"]
        assert [(item["channel_id"], item["name"], item["clicks"], item["orders"]) for item in listed] == [
            (made["channel_id"], "第一帖", 0, 0)
        ]

    calling(work)
