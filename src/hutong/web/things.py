"""What errors call the things they are about, in words of ours: a platform's name of the code, for people."""

from __future__ import annotations

from hutong.core.things import NAMED, THINGS
from hutong.web.i18n.locales import Locale
from hutong.web.labels import LABELS
from hutong.web.told import Told


def for_people(details: dict[str, str | int]) -> dict[str, str | int]:
    """An error's details with the platform in words of ours."""
    platform = details.get("platform")
    if isinstance(platform, str) and platform in LABELS["platform"]:
        return details | {"platform": Told(LABELS["platform"][platform])}
    return details


def named(details: dict[str, str | int], locale: Locale) -> dict[str, str | int]:
    """An error's details with the thing it is about in Chinese, to be translated; English has the error's own word."""
    words = {name: str(details[name]) for name in NAMED if isinstance(details.get(name), str)}
    if locale == "en":
        return details
    return details | {name: Told(THINGS[word][0]) for name, word in words.items() if word in THINGS}
