"""Which language a visitor reads: asked for, remembered, or told by the browser, in this order."""

from __future__ import annotations

from typing import Final, Literal

Locale = Literal["zh-Hans", "zh-Hant", "en"]

DEFAULT_LOCALE: Final[Locale] = "zh-Hans"
LOCALES: Final[tuple[Locale, ...]] = ("zh-Hans", "zh-Hant", "en")
#: Names of the languages, each in itself.
LOCALE_TITLES: Final[dict[Locale, str]] = {"zh-Hans": "简体中文", "zh-Hant": "繁體中文", "en": "English"}
#: Names that CLDR data goes by.
BABEL_NAMES: Final[dict[Locale, str]] = {"zh-Hans": "zh_Hans_CN", "zh-Hant": "zh_Hant_TW", "en": "en_GB"}
LOCALE_COOKIE: Final = "hutong_lang"
LOCALE_QUERY: Final = "lang"
_HEADER_CHARS_MAX: Final = 200
_HEADER_ITEMS_MAX: Final = 10
_TRADITIONAL: Final = ("zh-hant", "zh-tw", "zh-hk", "zh-mo")


def known_locale(name: str | None) -> Locale | None:
    """The locale of exactly that name, or None."""
    return next((locale for locale in LOCALES if locale == name), None)


def locale_of_tag(tag: str) -> Locale | None:
    """The locale that serves a language tag of a browser (``zh-TW`` reads Traditional), or None."""
    lowered = tag.strip().lower()
    if lowered.startswith(_TRADITIONAL):
        return "zh-Hant"
    if lowered == "zh" or lowered.startswith("zh-"):
        return "zh-Hans"
    return "en" if lowered == "en" or lowered.startswith("en-") else None


def choose_locale(*, asked: str | None, remembered: str | None, accept_language: str | None) -> Locale:
    """The visitor's language: ``?lang=`` wins over the cookie, the cookie over ``Accept-Language``."""
    chosen = known_locale(asked) or known_locale(remembered)
    if chosen is not None:
        return chosen
    for item in _by_weight(accept_language or ""):
        found = locale_of_tag(item)
        if found is not None:
            return found
    return DEFAULT_LOCALE


def _by_weight(header: str) -> list[str]:
    """Language tags of an ``Accept-Language`` header, the most wanted first; a malformed weight counts as 0."""
    weighted: list[tuple[int, int, str]] = []
    for index, item in enumerate(header[:_HEADER_CHARS_MAX].split(",")[:_HEADER_ITEMS_MAX]):
        tag, _, weight = item.partition(";q=")
        weighted.append((-_thousandths(weight), index, tag))
    return [tag for _, _, tag in sorted(weighted)]


def _thousandths(weight: str) -> int:
    if not weight.strip():
        return 1000
    whole, _, fraction = weight.strip().partition(".")
    digits = f"{fraction:0<3}"[:3]
    return int(whole) * 1000 + int(digits) if whole in {"0", "1"} and digits.isascii() and digits.isdigit() else 0
