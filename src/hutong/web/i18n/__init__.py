"""Languages. The source text is Simplified Chinese; catalogues hold Traditional Chinese and English."""

from __future__ import annotations

from hutong.web.i18n.catalogues import Catalogues
from hutong.web.i18n.locales import DEFAULT_LOCALE, LOCALES, Locale, choose_locale

__all__ = ["DEFAULT_LOCALE", "LOCALES", "Catalogues", "Locale", "choose_locale"]
