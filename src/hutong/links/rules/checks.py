"""Whether rules can be used: each refusal names the rule, the field and the reason."""

from __future__ import annotations

import re
from datetime import datetime, time
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hutong.links.asked import OURS
from hutong.links.containers import CONTAINERS, SYSTEMS
from hutong.links.destinations import DestinationNotAllowed, check_destination
from hutong.links.rules.broken import RuleBroken
from hutong.links.rules.model import (
    CLICKS_MAX,
    LANGUAGES_MAX,
    QUERY_CHARS_MAX,
    RULES_MAX,
    VARIANTS_MAX,
    VERSION,
    WEIGHT_MAX,
    WORD_CHARS_MAX,
    Rule,
    Rules,
    Utm,
    Variant,
    When,
)

_KEY: Final = re.compile(r"[a-z0-9]{1,8}")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+")
_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def check_rules(rules: Rules, own_hosts: frozenset[str] = frozenset(), expires_at: datetime | None = None) -> None:
    """Nothing, where the rules can be used.

    Raises:
        RuleBroken: with the number of the rule (0 for the link as a whole) and the field.
    """
    if rules.version != VERSION:
        raise RuleBroken(0, "version", "unknown", str(rules.version))
    try:
        ZoneInfo(rules.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise RuleBroken(0, "zone", "unknown", rules.zone) from None
    if not 0 <= rules.clicks_max <= CLICKS_MAX:
        raise RuleBroken(0, "clicks_max", "range", f"0–{CLICKS_MAX}")
    if rules.starts_at and rules.starts_at.tzinfo is None:
        raise RuleBroken(0, "starts_at", "unreadable", rules.starts_at.isoformat())
    if rules.starts_at and expires_at and rules.starts_at >= expires_at:
        raise RuleBroken(0, "expires_at", "order")
    if rules.over_url is not None:
        _check_url(0, "over_url", rules.over_url, own_hosts)
    _check_utm(rules.utm)
    if len(rules.rules) > RULES_MAX:
        raise RuleBroken(0, "rules", "too_many", str(RULES_MAX))
    seen: set[str] = set()
    for number, rule in enumerate(rules.rules, 1):
        _check_key(number, rule.key, seen)
        _check_when(number, rule.when)
        _check_way(number, rule, own_hosts)
        if number > 1 and rules.rules[number - 2].when == When():
            raise RuleBroken(number, "rules", "never")


def _check_utm(utm: Utm) -> None:
    for name in utm.__struct_fields__:
        value = getattr(utm, name)
        if len(value) > WORD_CHARS_MAX:
            raise RuleBroken(0, "utm", "too_long", str(WORD_CHARS_MAX))
        if any(ord(c) < ord(" ") for c in value):
            raise RuleBroken(0, "utm", "unreadable", value)


def _check_key(number: int, key: str, seen: set[str]) -> None:
    if key and not _KEY.fullmatch(key):
        raise RuleBroken(number, "key", "unreadable", key)
    if key and key in seen:
        raise RuleBroken(number, "key", "twice", key)
    seen.add(key)


def _check_when(number: int, when: When) -> None:
    for field, given, known in (
        ("containers", when.containers, CONTAINERS),
        ("systems", when.systems, SYSTEMS),
    ):
        for name in given:
            if name not in known:
                raise RuleBroken(number, field, "unknown", name)
    if len(when.languages) > LANGUAGES_MAX:
        raise RuleBroken(number, "languages", "too_many", str(LANGUAGES_MAX))
    for name in when.languages:
        if not _LANGUAGE.fullmatch(name):
            raise RuleBroken(number, "languages", "unreadable", name)
    _check_times(number, when)
    if when.query_value is not None and not when.query_name:
        raise RuleBroken(number, "query_name", "too_few", "1")
    for field, text in (("query_name", when.query_name), ("query_value", when.query_value or "")):
        if len(text) > QUERY_CHARS_MAX:
            raise RuleBroken(number, field, "too_long", str(QUERY_CHARS_MAX))
    if when.query_name and (when.query_name in OURS or not _NAME.fullmatch(when.query_name)):
        raise RuleBroken(number, "query_name", "unreadable", when.query_name)


def _check_times(number: int, when: When) -> None:
    if when.from_date and when.until_date and when.until_date < when.from_date:
        raise RuleBroken(number, "until_date", "order")
    for field, text in (("from_time", when.from_time), ("until_time", when.until_time)):
        if text and not _TIME.fullmatch(text):
            raise RuleBroken(number, field, "unreadable", text)
    if bool(when.from_time) != bool(when.until_time) or (when.from_time and when.from_time == when.until_time):
        raise RuleBroken(number, "until_time" if when.from_time else "from_time", "both_times")


def _check_way(number: int, rule: Rule, own_hosts: frozenset[str]) -> None:
    given = [rule.url is not None, rule.sku_id is not None, bool(rule.variants)]
    if sum(given) != 1:
        raise RuleBroken(number, "url", "one_way")
    if rule.url is not None:
        _check_url(number, "url", rule.url, own_hosts)
    if rule.variants:
        _check_variants(number, rule.variants, own_hosts)


def _check_variants(number: int, variants: tuple[Variant, ...], own_hosts: frozenset[str]) -> None:
    if len(variants) < 2:
        raise RuleBroken(number, "variants", "too_few", "2", variant=1)
    if len(variants) > VARIANTS_MAX:
        raise RuleBroken(number, "variants", "too_many", str(VARIANTS_MAX))
    seen: set[str] = set()
    for place, variant in enumerate(variants, 1):
        _check_key(number, variant.key, seen)
        if not 0 <= variant.weight <= WEIGHT_MAX:
            raise RuleBroken(number, "weight", "range", f"0–{WEIGHT_MAX}", variant=place)
        if (variant.url is None) == (variant.sku_id is None):
            raise RuleBroken(number, "url", "one_way", variant=place)
        if variant.url is not None:
            _check_url(number, "url", variant.url, own_hosts, variant=place)
    if not any(variant.weight for variant in variants):
        raise RuleBroken(number, "weight", "range", f"1–{WEIGHT_MAX}", variant=1)


def _check_url(number: int, field: str, url: str, own_hosts: frozenset[str], *, variant: int = 0) -> None:
    try:
        check_destination(url, own_hosts)
    except DestinationNotAllowed as error:
        raise RuleBroken(number, field, "destination", str(error.details["host"]), variant=variant) from error


def minutes_of(text: str) -> int:
    """Minutes since midnight of ``HH:MM``."""
    read = time.fromisoformat(text)
    return read.hour * 60 + read.minute
