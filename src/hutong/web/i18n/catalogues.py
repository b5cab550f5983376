"""Reads the catalogues at start; nothing is compiled beforehand and nothing is read later."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from hutong.web.i18n.locales import DEFAULT_LOCALE, LOCALES, Locale

LOCALE_DIR: Final = Path(__file__).parent / "locale"
DOMAIN: Final = "hutong"


def catalogue_path(locale: Locale) -> Path:
    """Where the catalogue of a locale lies."""
    return LOCALE_DIR / locale.replace("-", "_") / "LC_MESSAGES" / f"{DOMAIN}.po"


def read_catalogue(locale: Locale) -> Catalog:
    """The catalogue as written."""
    with catalogue_path(locale).open("rb") as file:
        return read_po(file, locale=locale.replace("-", "_"), domain=DOMAIN)


class Catalogues:
    """The texts of all languages. The source language needs no catalogue: its texts are the keys."""

    def __init__(self) -> None:
        self._by_locale: dict[Locale, NullTranslations] = {DEFAULT_LOCALE: NullTranslations()}
        for locale in LOCALES:
            if locale != DEFAULT_LOCALE:
                compiled = BytesIO()
                write_mo(compiled, read_catalogue(locale))
                compiled.seek(0)
                self._by_locale[locale] = Translations(compiled, domain=DOMAIN)

    def of(self, locale: Locale) -> NullTranslations:
        """The translations of a locale."""
        return self._by_locale[locale]

    def text(self, locale: Locale, message: str, **fields: str | int) -> str:
        """A message in a locale with its ``%(name)s`` fields filled in."""
        translated = self._by_locale[locale].gettext(message)
        return translated % fields if fields else translated
