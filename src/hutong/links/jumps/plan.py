"""From a cell of the matrix to what is tried for one visitor: addresses filled in, what does not fit left out."""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import quote

import msgspec

from hutong.links.containers import Agent
from hutong.links.destinations import Target
from hutong.links.jumps.matrix import SCHEME, Attempt, Form, Matrix
from hutong.links.jumps.picks import Picks, chosen

#: Where nothing of a cell fits the address: how to open the link elsewhere.
GUIDE: Final = "guide"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt for one visitor: ``form`` names it in figures, ``taps`` is what it costs."""

    form: str
    kind: str
    address: str
    taps: int
    evidence: str


def plan(
    matrix: Matrix,
    agent: Agent,
    target: Target,
    link_url: str,
    share_code: str = "",
    picks: Picks = (),
    *,
    carries: bool = False,
) -> tuple[Step, ...]:
    """What is tried, in the order of the matrix; never empty.

    ``link_url`` is the link itself, for guide and QR; ``share_code`` the platform's own code, if the merchant has one;
    ``picks`` his own word on the cell. ``carries``: addresses that take the click's id have a place for it
    (``matrix.CLICK``). Where an alliance gave the app's form and code of the page, those stand for ours.
    """
    row = matrix.cell(agent.container, agent.os, target.destination)
    filler = _Filler(matrix, target, link_url, share_code, carries=carries)
    steps = [filler.step(attempt) for attempt in chosen(row.attempts, picks) if attempt.is_on]
    fitting = tuple(step for step in steps if step is not None)
    if fitting:
        return fitting
    return (Step(form=GUIDE, kind=GUIDE, address=link_url, taps=0, evidence="seen"),)


class _Filler:
    """Fills the addresses of forms for one target."""

    def __init__(self, matrix: Matrix, target: Target, link_url: str, share_code: str, *, carries: bool) -> None:
        self._carries = carries
        self._matrix = matrix
        self._target = target
        self._known = {**target.names, "link": link_url}
        if share_code or target.share_code:
            self._known["code"] = share_code or target.share_code
        if target.url.startswith("https://"):
            self._known |= _of_page(target.url)
        if "mini_query" in target.names:
            self._known["mini_query_enc"] = quote(target.names["mini_query"], safe="")
        scheme = self._scheme()
        if scheme is not None:
            self._known |= _of_scheme(self._address(scheme))

    def step(self, attempt: Attempt) -> Step | None:
        """The attempt with its address, or None where the target does not name what the address needs."""
        form = self._scheme() if attempt.do == SCHEME else self._matrix.forms[attempt.do]
        if form is None or not self._fits(form):
            return None
        weaker = "guessed" if "guessed" in (form.evidence, attempt.evidence) else "seen"
        address = self._address(form)
        if self._carries:
            address = self._matrix.carried(form.name, self._target.destination, address)
        return Step(form=form.name, kind=form.kind, address=address, taps=attempt.taps, evidence=weaker)

    def _scheme(self) -> Form | None:
        forms = [self._matrix.forms[name] for name in self._matrix.schemes[self._target.destination]]
        named = next((form for form in forms if form.names <= self._known.keys()), None)
        return named or (forms[0] if forms and self._target.app_url else None)

    def _fits(self, form: Form) -> bool:
        return form.names <= self._known.keys() or self._is_given(form)

    def _is_given(self, form: Form) -> bool:
        return bool(self._target.app_url) and form.kind == SCHEME

    def _address(self, form: Form) -> str:
        return self._target.app_url if self._is_given(form) else form.address.format_map(self._known)


def _of_page(url: str) -> dict[str, str]:
    """What forms make of a page's address. JD's app takes a JSON object: ``des`` m opens the page in it."""
    params = json.dumps({"category": "jump", "des": "m", "url": url}, separators=(",", ":"))
    return {"url": url, "url_enc": quote(url, safe=""), "jd_params_enc": quote(params, safe="")}


def _of_scheme(address: str) -> dict[str, str]:
    """What wrappers make of an app's own address. Weibo's closes its browser, then opens the other app."""
    encoded = quote(address, safe="")
    opening = quote(f"sinaweibo://openadapp?scheme={encoded}", safe="")
    return {
        "scheme_enc": encoded,
        "weibo_scheme_enc": quote(f"sinaweibo://browser/close?scheme={opening}", safe=""),
    }
