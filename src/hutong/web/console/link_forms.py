"""The editor of a link's rules as a form: what stands in its fields, and the rules that they make.

What was typed is shown again as it was, also where it cannot be read; rule ``n`` has fields named ``r<n>.…``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, Final, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from hutong.links.locks import TYPED_CHARS_MAX, UNCHANGED, Change, checked_password
from hutong.links.rules.broken import RuleBroken
from hutong.links.rules.model import RULES_MAX, VARIANTS_MAX, Rule, Rules, Utm, Variant, When
from hutong.links.rules.service import LinkRules
from hutong.links.rules.utm import PRESETS
from hutong.web.console.views import View

#: As fields of the browser have moments: seconds only where there are some.
_MOMENT: Final = "%Y-%m-%dT%H:%M"
ReadT = TypeVar("ReadT")


class VariantForm(View, frozen=True, kw_only=True):
    """One row of a comparison."""

    key: str = ""
    url: str = ""
    sku_id: str = ""
    weight: str = ""


class RuleForm(View, frozen=True, kw_only=True):
    """The fields of one rule; ``way`` is url, sku or variants. ``query_blank``: the parameter must have no value."""

    key: str = ""
    containers: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    languages: str = ""
    from_date: str = ""
    until_date: str = ""
    from_time: str = ""
    until_time: str = ""
    query_name: str = ""
    query_value: str = ""
    query_blank: str = ""
    way: str = "url"
    url: str = ""
    sku_id: str = ""
    variants: tuple[VariantForm, ...] = (VariantForm(weight="50"), VariantForm(weight="50"))


class EditorForm(View, frozen=True, kw_only=True):
    """All fields of the editor."""

    revision: str = "0"
    rules: tuple[RuleForm, ...] = ()
    utm: Utm = Utm()
    starts_at: str = ""
    expires_at: str = ""
    clicks_max: str = ""
    over_url: str = ""
    password: str = ""  # never shown again
    takes_password_away: bool = False
    try_language: str = "zh-CN"
    try_at: str = ""
    try_query: str = ""


class Typed(msgspec.Struct, frozen=True, kw_only=True):
    """What a form makes."""

    rules: Rules
    expires_at: datetime | None
    revision: int
    password: Change = UNCHANGED


def shown(kept: LinkRules) -> EditorForm:
    """The form of rules as they are kept."""
    rules, zone = kept.rules, ZoneInfo(kept.rules.zone)
    return EditorForm(
        revision=str(kept.revision),
        rules=tuple(_rule_form(rule) for rule in rules.rules),
        utm=rules.utm,
        starts_at=_local(rules.starts_at, zone),
        expires_at=_local(kept.expires_at, zone),
        clicks_max=str(rules.clicks_max or ""),
        over_url=rules.over_url or "",
    )


def _local(moment: datetime | None, zone: ZoneInfo) -> str:
    if moment is None:
        return ""
    local = moment.astimezone(zone)
    return local.strftime(f"{_MOMENT}:%S" if local.second else _MOMENT)


def _rule_form(rule: Rule) -> RuleForm:
    when = rule.when
    variants = tuple(
        VariantForm(key=one.key, url=one.url or "", sku_id=str(one.sku_id or ""), weight=str(one.weight))
        for one in rule.variants
    )
    return RuleForm(
        key=rule.key,
        containers=when.containers,
        systems=when.systems,
        languages=", ".join(when.languages),
        from_date=str(when.from_date or ""),
        until_date=str(when.until_date or ""),
        from_time=when.from_time,
        until_time=when.until_time,
        query_name=when.query_name,
        query_value=when.query_value or "",
        query_blank="1" if when.query_value == "" else "",
        way="variants" if variants else "sku" if rule.sku_id else "url",
        url=rule.url or "",
        sku_id=str(rule.sku_id or ""),
        variants=variants or RuleForm().variants,
    )


def typed(form: Any) -> EditorForm:  # noqa: ANN401 (Litestar's FormMultiDict)
    """The form as it came; ``do`` may add, remove or lift a rule, add a row to its comparison, or fill in the
    parameters of a usual channel.
    """

    def text(name: str) -> str:
        return str(form.get(name, "")).strip()

    count = min(int(text("rules")) if text("rules").isdecimal() else 0, RULES_MAX)
    rules = [_typed_rule(form, f"r{number}.") for number in range(1, count + 1)]
    utm = Utm(**{name: text(f"utm.{name}") for name in Utm.__struct_fields__})
    return EditorForm(
        revision=text("revision"),
        rules=tuple(_changed(rules, text("do"))),
        utm=_filled(utm, text("do")),
        starts_at=text("starts_at"),
        expires_at=text("expires_at"),
        clicks_max=text("clicks_max"),
        over_url=text("over_url"),
        password=text("password")[: TYPED_CHARS_MAX + 1],
        takes_password_away="password_off" in form,
        try_language=text("try.language"),
        try_at=text("try.at"),
        try_query=text("try.query"),
    )


def _typed_rule(form: Any, prefix: str) -> RuleForm:  # noqa: ANN401
    def text(name: str) -> str:
        return str(form.get(prefix + name, "")).strip()

    variants = [
        VariantForm(**{name: text(f"v{place}.{name}") for name in VariantForm.__struct_fields__})
        for place in range(1, VARIANTS_MAX + 1)
        if f"{prefix}v{place}.url" in form
    ]
    plain = ("key", "languages", "from_date", "until_date", "from_time", "until_time", "query_name")
    return RuleForm(
        **{name: text(name) for name in (*plain, "query_value", "query_blank", "url", "sku_id")},
        way=text("way") or "url",
        containers=tuple(str(one) for one in form.getall(f"{prefix}containers", [])),
        systems=tuple(str(one) for one in form.getall(f"{prefix}systems", [])),
        variants=tuple(variants) or RuleForm().variants,
    )


def _filled(utm: Utm, do: str) -> Utm:
    """Source and medium of a usual channel; what else was typed stays."""
    chosen = next((one for one in PRESETS if do == f"utm:{one.key}"), None)
    return utm if chosen is None else msgspec.structs.replace(utm, source=chosen.source, medium=chosen.medium)


def _changed(rules: list[RuleForm], do: str) -> list[RuleForm]:
    what, _, given = do.partition(":")
    place = int(given) - 1 if given.isdecimal() else -1
    if what == "add" and len(rules) < RULES_MAX:
        return [*rules, RuleForm()]
    if not 0 <= place < len(rules):
        return rules
    chosen = rules[place]
    if what == "remove":
        return rules[:place] + rules[place + 1 :]
    if what == "up" and place:
        return [*rules[: place - 1], chosen, rules[place - 1], *rules[place + 1 :]]
    if what == "variant" and len(chosen.variants) < VARIANTS_MAX:
        more = msgspec.structs.replace(chosen, variants=(*chosen.variants, VariantForm(weight="50")))
        return [*rules[:place], more, *rules[place + 1 :]]
    return rules


def read_form(form: EditorForm, kept: LinkRules) -> Typed:
    """The rules that the form makes; whether they can be used is checked elsewhere.

    Their time zone stays, and so does a moment that nobody touched, to the fraction of a second, which no field shows.

    Raises:
        RuleBroken: a field cannot be read.
    """
    zone_name = kept.rules.zone
    zone, before = ZoneInfo(zone_name), shown(kept)
    starts_at, expires_at = kept.rules.starts_at, kept.expires_at
    if form.starts_at != before.starts_at:
        starts_at = _moment("starts_at", form.starts_at, zone)
    if form.expires_at != before.expires_at:
        expires_at = _moment("expires_at", form.expires_at, zone)
    return Typed(
        rules=Rules(
            zone=zone_name,
            rules=tuple(_rule(number, rule) for number, rule in enumerate(form.rules, 1)),
            utm=form.utm,
            starts_at=starts_at,
            clicks_max=_read(0, "clicks_max", form.clicks_max, _count) or 0,
            over_url=form.over_url or None,
        ),
        expires_at=expires_at,
        revision=int(form.revision) if form.revision.isdecimal() else 0,
        password=_password(form),
    )


def read_moment(text: str, zone_name: str) -> datetime | None:
    """A moment that was typed in the shop's time; None where it cannot be read."""
    try:
        return _moment("starts_at", text, ZoneInfo(zone_name))
    except RuleBroken:
        return None


def _moment(field: str, text: str, zone: ZoneInfo) -> datetime | None:
    def read(given: str) -> datetime:
        form = f"{_MOMENT}:%S" if given.count(":") > 1 else _MOMENT
        return datetime.strptime(given, form).replace(tzinfo=zone).astimezone(UTC)

    return _read(0, field, text, read)


def _read(number: int, field: str, text: str, read: Callable[[str], ReadT], *, variant: int = 0) -> ReadT | None:
    if not text:
        return None
    try:
        return read(text)
    except (ValueError, OverflowError):
        raise RuleBroken(number, field, "unreadable", text, variant=variant) from None


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 12):
        raise ValueError(text)
    return int(text)


def _password(form: EditorForm) -> Change:
    """A new one goes before taking the old one away: a link is not opened by accident."""
    if form.password:
        return checked_password(form.password)
    return None if form.takes_password_away else UNCHANGED


def _rule(number: int, form: RuleForm) -> Rule:
    when = When(
        containers=form.containers,
        systems=form.systems,
        languages=tuple(form.languages.replace("，", ",").replace(",", " ").split()),
        from_date=_read(number, "from_date", form.from_date, date.fromisoformat),
        until_date=_read(number, "until_date", form.until_date, date.fromisoformat),
        from_time=form.from_time,
        until_time=form.until_time,
        query_name=form.query_name,
        query_value=form.query_value or ("" if form.query_blank else None),
    )
    if form.way == "variants":
        filled = [(place, one) for place, one in enumerate(form.variants, 1) if one.url or one.sku_id]
        return Rule(key=form.key, when=when, variants=tuple(_variant(number, place, one) for place, one in filled))
    if form.way == "sku":
        return Rule(key=form.key, when=when, sku_id=_read(number, "sku_id", form.sku_id, UUID))
    return Rule(key=form.key, when=when, url=form.url or None)


def _variant(number: int, place: int, form: VariantForm) -> Variant:
    return Variant(
        key=form.key,
        weight=_read(number, "weight", form.weight, _count, variant=place) or 0,
        url=form.url or None,
        sku_id=_read(number, "sku_id", form.sku_id, UUID, variant=place),
    )
