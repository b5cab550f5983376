"""What a link's rules are made of. They are kept as JSON; a field that is not there has its default."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec

#: The shape below; a reader of a later one refuses what it does not know.
VERSION: Final = 1
RULES_MAX: Final = 20
VARIANTS_MAX: Final = 5
WEIGHT_MAX: Final = 1_000
LANGUAGES_MAX: Final = 10
QUERY_CHARS_MAX: Final = 64
WORD_CHARS_MAX: Final = 60
CLICKS_MAX: Final = 100_000_000

#: What decoding lets through at all; the checks are tighter, and name the rule.
Word = Annotated[str, msgspec.Meta(max_length=200)]
Address = Annotated[str, msgspec.Meta(max_length=2_000)]


class When(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What must hold, all of it; what is empty always holds.

    ``languages`` are prefixes (``zh`` holds for ``zh-CN``). Dates are inclusive and, as hours, of the rules' time zone;
    ``from_time`` (inclusive) to ``until_time`` may go over midnight. ``query_value`` None: the parameter has to be
    there whatever it says.
    """

    containers: tuple[Word, ...] = ()
    systems: tuple[Word, ...] = ()
    languages: tuple[Word, ...] = ()
    from_date: date | None = None
    until_date: date | None = None
    from_time: Word = ""
    until_time: Word = ""
    query_name: Word = ""
    query_value: Word | None = None


class Variant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One of several ways that visitors are shared out over, by weight. ``key`` stands with each click."""

    weight: int
    key: Word = ""
    url: Address | None = None
    sku_id: UUID | None = None


class Rule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """For whom, and where to: a page, the cash desk of one of the shop's goods, or one of several variants."""

    key: Word = ""
    when: When = When()
    url: Address | None = None
    sku_id: UUID | None = None
    variants: tuple[Variant, ...] = ()


class Utm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the merchant's own pages are told of where a visitor comes from. ``{campaign}`` stands for the campaign."""

    source: Word = ""
    medium: Word = ""
    campaign: Word = ""
    term: Word = ""
    content: Word = ""


class Rules(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """All rules of one link, the first that holds wins; where none does, the link leads where it always did.

    ``clicks_max`` 0: no limit. ``over_url``: where a link that is over leads instead of to the friendly page.
    """

    version: int = VERSION
    zone: Word = "Asia/Shanghai"
    rules: tuple[Rule, ...] = ()
    utm: Utm = Utm()
    starts_at: datetime | None = None
    clicks_max: int = 0
    over_url: Address | None = None


def with_keys(rules: Rules) -> Rules:
    """The same rules, each with a key of its own: a new rule takes none that an earlier click may stand under."""
    taken = {rule.key for rule in rules.rules}
    made = []
    for rule in rules.rules:
        key = rule.key or _free(taken, "r")
        named: set[str] = {variant.key for variant in rule.variants}
        variants = tuple(
            msgspec.structs.replace(variant, key=variant.key or _free(named, "v")) for variant in rule.variants
        )
        made.append(msgspec.structs.replace(rule, key=key, variants=variants))
    return msgspec.structs.replace(rules, rules=tuple(made))


def _free(taken: set[str], letter: str) -> str:
    number = 1 + max((int(key[1:]) for key in taken if key[:1] == letter and key[1:].isdecimal()), default=0)
    key = f"{letter}{number}"
    taken.add(key)
    return key
