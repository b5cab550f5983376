"""The matrix of jumps: what it is made of, and how a file becomes one. ``matrix.yaml`` explains its words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from string import Formatter
from typing import Final
from urllib.parse import urlsplit

import msgspec

from hutong.links.containers import CONTAINERS, SYSTEMS
from hutong.links.destinations import DESTINATIONS, NAMES
from hutong.links.jumps.reading import Node, read_yaml
from hutong.links.passing_on import APP_SCHEMES
from hutong.links.tokens import CARRIED_TOKEN_CHARS_MAX

BUILT_IN: Final = Path(__file__).parent / "matrix.yaml"
VERSION: Final = "1"
TAPS: Final = tuple("0123456789")
KINDS: Final = ("page", "scheme", "wrapper", "guide", "code", "qr")
#: What works whatever an app allows.
FALLBACKS: Final = frozenset({"page", "guide", "code", "qr"})
#: In a row this stands for the first of the destination's schemes that fits the address.
SCHEME: Final = "scheme"
EVIDENCE: Final = ("seen", "guessed")
#: Other companies' pages that pass a jump on.
WRAPPER_HOSTS: Final = frozenset({"ace.tb.cn", "m.weibo.cn", "ds.alipay.com"})
#: Names that an address of a form may use beside those of the destination's address.
COMPUTED: Final = frozenset(
    {"url", "url_enc", "link", "code", "scheme_enc", "weibo_scheme_enc", "jd_params_enc", "mini_query_enc"}
)
#: Stands for the click's id in a plan, until there is a click: letters and digits, so that encoding leaves it alone.
CLICK: Final = "HutongClickIdStandsHereUntilThereIsOne"
#: One parameter whose value ends with the id.
_CARRIED: Final = re.compile(r"[a-z_]{1,32}=([A-Za-z0-9%_-]{0,64})\{click\}")
#: Kinds of forms whose addresses lead to the destination by themselves.
CARRYING: Final = frozenset({"page", "scheme"})
#: What stands in no address (RFC 3986, 2), and an apostrophe, which may end one on a page.
_ODD: Final = frozenset("\"'<>\\^`|")
_FORM_NAME: Final = re.compile(r"[a-z][a-z0-9_]{1,40}")
ANY: Final = "any"
OWN: Final = "own"


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """One way to say where to go; ``names`` are those that its address needs."""

    name: str
    kind: str
    address: str
    names: frozenset[str]
    evidence: str
    source: str


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a cell: a form's name or ``scheme``, and the taps it costs."""

    do: str
    taps: int
    evidence: str
    is_on: bool


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for some containers, systems and destinations. ``containers`` None: the destination's own app."""

    line: int
    containers: frozenset[str] | None
    systems: frozenset[str]
    destinations: frozenset[str]
    attempts: tuple[Attempt, ...]
    source: str


class Carry(msgspec.Struct, frozen=True, kw_only=True):
    """How the address of a form takes the click's id on the way to a destination: ``add`` joins its query."""

    form: str
    destinations: frozenset[str]
    add: str
    evidence: str
    source: str


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """All cells. ``own``: the containers that are a destination's own app; ``schemes``: its forms, most exact first."""

    dated: str
    forms: dict[str, Form]
    own: dict[str, frozenset[str]]
    schemes: dict[str, tuple[str, ...]]
    rows: tuple[Row, ...]
    carries: tuple[Carry, ...] = ()

    def carried(self, form: str, destination: str, address: str) -> str:
        """The address with a place for the click's id (:data:`CLICK`), where this form takes one to this destination.

        What has a fragment, or the parameter already, is left as it is.
        """
        found = (one for one in self.carries if one.form == form and destination in one.destinations)
        carry = next(found, None)
        if carry is None or "#" in address or f"{carry.add.partition('=')[0]}=" in address.partition("?")[2]:
            return address
        return f"{address}{'&' if '?' in address else '?'}{carry.add.format(click=CLICK)}"

    def cell(self, container: str, system: str, destination: str) -> Row:
        """The first row that holds; :func:`load_matrix` has seen that there is one for each."""
        return next(row for row in self.rows if self._holds(row, container, system, destination))

    def _holds(self, row: Row, container: str, system: str, destination: str) -> bool:
        containers = self.own[destination] if row.containers is None else row.containers
        return container in containers and system in row.systems and destination in row.destinations


def built_in() -> Matrix:
    """The matrix that comes with the hub."""
    return load_matrix(BUILT_IN.name, BUILT_IN.read_text("utf-8"))


def load_matrix(file: str, text: str) -> Matrix:
    """A matrix from the text of a file; ``file`` names it in errors.

    Raises:
        MatrixBroken: any rule is broken; nothing of the file is used then.
    """
    root = read_yaml(file, text)
    parts = root.record(("version", "dated", "forms", "destinations", "rows"), ("carries",))
    parts["version"].one_of((VERSION,), "version")
    forms = {name: _form(name, node) for name, node in parts["forms"].table().items()}
    own, schemes = _destinations(parts["destinations"], forms)
    rows = tuple(_row(node, forms) for node in parts["rows"].items())
    carries = tuple(_carry(node, forms) for node in (parts["carries"].items() if "carries" in parts else ()))
    matrix = Matrix(dated=parts["dated"].text(), forms=forms, own=own, schemes=schemes, rows=rows, carries=carries)
    _check_cells(matrix, parts["rows"])
    return matrix


def _form(name: str, node: Node) -> Form:
    if not _FORM_NAME.fullmatch(name) or name == SCHEME:
        node.fail("unknown_form", name)
    given = node.record(("kind", "address", "evidence", "source"))
    kind = given["kind"].one_of(KINDS, "unknown_kind")
    address = given["address"].text()
    names = _names_in(given["address"], address)
    _check_address(given["address"], kind, address)
    evidence = given["evidence"].one_of(EVIDENCE, "evidence")
    return Form(name=name, kind=kind, address=address, names=names, evidence=evidence, source=given["source"].text())


def _names_in(node: Node, address: str) -> frozenset[str]:
    try:
        parts = [
            (name, spec, conversion) for _, name, spec, conversion in Formatter().parse(address) if name is not None
        ]
    except ValueError:
        node.fail("address", address)
    for name, spec, conversion in parts:
        if name not in NAMES | COMPUTED or spec or conversion:
            node.fail("unknown_name", name)
    return frozenset(name for name, _, _ in parts)


def _check_address(node: Node, kind: str, address: str) -> None:
    """A file brings no scheme and no host of its own: only those that this program knows."""
    whole = {"page": "{url}", "guide": "{link}", "qr": "{link}", "code": "{code}"}
    try:
        parts = urlsplit(address)
    except ValueError:  # a host in brackets that is none
        node.fail("address", address)
    if kind in whole:
        allowed = address == whole[kind]
    elif kind == SCHEME:
        allowed = parts.scheme in APP_SCHEMES
    else:
        allowed = parts.scheme == "https" and parts.netloc in WRAPPER_HOSTS
    if not allowed or any(c <= " " or ord(c) > 126 or c in _ODD for c in address):
        node.fail("address", address)


def _carry(node: Node, forms: dict[str, Form]) -> Carry:
    """Only one plain parameter, and room for the id in what the destination allows."""
    given = node.record(("do", "to", "add", "chars", "evidence", "source"))
    add, room = given["add"].text(), given["chars"].text()
    found = _CARRIED.fullmatch(add)
    if found is None:
        given["add"].fail("address", add)
    if not (room.isascii() and room.isdigit()) or len(found[1]) + CARRIED_TOKEN_CHARS_MAX > int(room[:6]):
        given["chars"].fail("address", room)
    return Carry(
        form=given["do"].one_of([one.name for one in forms.values() if one.kind in CARRYING], "unknown_form"),
        destinations=_group(given["to"], DESTINATIONS, "unknown_destination"),
        add=add,
        evidence=given["evidence"].one_of(EVIDENCE, "evidence"),
        source=given["source"].text(),
    )


def _destinations(node: Node, forms: dict[str, Form]) -> tuple[dict[str, frozenset[str]], dict[str, tuple[str, ...]]]:
    own: dict[str, frozenset[str]] = {}
    schemes: dict[str, tuple[str, ...]] = {}
    given = node.table()
    for name in DESTINATIONS:
        if name not in given:
            node.fail("missing", name)
    for name, entry in given.items():
        if name not in DESTINATIONS:
            entry.fail("unknown_destination", name)
        parts = entry.record(("own", "schemes"))
        own[name] = frozenset(item.one_of(CONTAINERS, "unknown_container") for item in parts["own"].items())
        of_kind = [form.name for form in forms.values() if form.kind == SCHEME]
        schemes[name] = tuple(item.one_of(of_kind, "unknown_form") for item in parts["schemes"].items())
    return own, schemes


def _row(node: Node, forms: dict[str, Form]) -> Row:
    given = node.record(("from", "to", "source", "try"), ("on",))
    systems = given["on"].items() if "on" in given else []
    return Row(
        line=node.line,
        containers=_containers(given["from"]),
        systems=frozenset(item.one_of(SYSTEMS, "unknown_system") for item in systems) or frozenset(SYSTEMS),
        destinations=_group(given["to"], DESTINATIONS, "unknown_destination"),
        attempts=tuple(_attempts(given["try"], forms)),
        source=given["source"].text(),
    )


def _containers(node: Node) -> frozenset[str] | None:
    if node.is_text() and node.text() == OWN:
        return None
    return _group(node, CONTAINERS, "unknown_container")


def _group(node: Node, allowed: tuple[str, ...], reason: str) -> frozenset[str]:
    if node.is_text():
        node.one_of((ANY,), reason)
        return frozenset(allowed)
    return frozenset(item.one_of(allowed, reason) for item in node.items())


def _attempts(node: Node, forms: dict[str, Form]) -> Iterator[Attempt]:
    tried: set[str] = set()
    for item in node.items():
        given = item.record(("do", "taps", "evidence"), ("default",))
        name = given["do"].one_of((*forms, SCHEME), "unknown_form")
        if name in tried:
            given["do"].fail("twice", name)
        tried.add(name)
        taps = int(given["taps"].one_of(TAPS, "taps"))
        is_on = "default" not in given or given["default"].one_of(("on", "off"), "default") == "on"
        if is_on and name in forms and forms[name].kind == "wrapper":
            given["do"].fail("wrapper_on", name)
        evidence = given["evidence"].one_of(EVIDENCE, "evidence")
        yield Attempt(do=name, taps=taps, evidence=evidence, is_on=is_on)


def _check_cells(matrix: Matrix, node: Node) -> None:
    """Every cell has a row, every row a cell."""
    reached: set[int] = set()
    for container, system, destination in product(CONTAINERS, SYSTEMS, DESTINATIONS):
        place = f"{container} × {destination} ({system})"
        try:
            row = matrix.cell(container, system, destination)
        except StopIteration:
            node.fail("no_way", place)
        reached.add(row.line)
        live = [attempt for attempt in row.attempts if attempt.is_on]
        kinds = {SCHEME if one.do == SCHEME else matrix.forms[one.do].kind for one in live}
        if not live:
            node.at(row.line).fail("no_way", place)
        if not kinds & FALLBACKS:
            node.at(row.line).fail("no_fallback", place)
    for row in matrix.rows:
        if row.line not in reached:
            node.at(row.line).fail("never", row.source)
