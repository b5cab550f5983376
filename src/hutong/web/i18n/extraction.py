"""Finds every text that people can see, and brings the catalogues up to date with them.

``python -m hutong.web.i18n.extraction`` adds new texts to the catalogues (untranslated, so that the test
names them) and drops those that are gone.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

import hutong
from hutong.core.errors import HutongError
from hutong.core.things import THINGS
from hutong.platforms.refusals import HINTS
from hutong.platforms.tables.reasons import REASONS
from hutong.web.i18n.catalogues import DOMAIN, catalogue_path, read_catalogue
from hutong.web.i18n.locales import DEFAULT_LOCALE, LOCALES, Locale

WEB_DIR: Final = Path(__file__).parent.parent
_METHODS: Final = [("**/templates/**.html", "jinja2"), ("**.py", "python")]
_OPTIONS: Final = {"**/templates/**.html": {"newstyle_gettext": "true", "trimmed": "true", "silent": "false"}}
#: ``mark`` names a text where it is listed and leaves the translating to the page.
KEYWORDS: Final = {"_": None, "gettext": None, "ngettext": (1, 2), "mark": None}
#: The language whose catalogue also carries the texts of errors.
ERRORS_IN: Final[Locale] = "zh-Hant"
ERROR_NOTE: Final = "text of an error"  # or of a refused row, or a hint at a platform's refusal
#: Modules that only Alembic can load.
ALEMBIC_ONLY: Final = ("hutong.migrations.env", "hutong.migrations.versions")
_LINE_CHARS: Final = 110


def extract(root: Path = WEB_DIR) -> Catalog:
    """Every translatable text below a folder."""
    found = Catalog(domain=DOMAIN)
    rows = extract_from_dir(
        root,
        method_map=_METHODS,
        options_map=_OPTIONS,
        keywords=KEYWORDS,
        comment_tags=("i18n:",),
        strip_comment_tags=True,
    )
    for filename, _line, message, comments, context in rows:
        # Line numbers would change every catalogue with every edit; the file is enough to find a text.
        found.add(message, None, [(filename, 0)], auto_comments=comments, context=context)
    return found


def error_texts(base: type[HutongError] = HutongError) -> set[str]:
    """Source texts of every error of the house that is loaded. English errors speak for themselves; Traditional needs
    these.
    """
    is_ours = base.__module__.partition(".")[0] == "hutong"
    found = {base.zh.sentence, base.zh.cause, base.zh.fix} if is_ours else set()
    for known in base.__subclasses__():
        found |= error_texts(known)
    return found


def spoken_texts() -> set[str]:
    """Everything that an error can say: its own texts, hints at refusals, names of things, reasons of refused rows."""
    hints, things = {zh for zh, _ in HINTS.values()}, {zh for zh, _ in THINGS.values()}
    return error_texts() | hints | things | {reason.zh for reason in REASONS.values()}


def faults(locale: Locale, template: Catalog, catalogue: Catalog) -> list[str]:
    """What is wrong with a catalogue: untranslated, doubtful, left over, or with other fields than the source."""
    wrong: list[str] = []
    for message in template:
        if not message.id:
            continue
        own = catalogue.get(message.id)
        if own is None or not _complete(own.string):
            wrong.append(f"{locale}: untranslated: {message.id}")
        elif own.fuzzy:
            wrong.append(f"{locale}: doubtful (fuzzy): {message.id}")
        else:
            wrong.extend(f"{locale}: {error}: {message.id}" for error in own.check(catalogue))
    wrong.extend(
        f"{locale}: left over: {m.id}"
        for m in catalogue
        if m.id and template.get(m.id) is None and ERROR_NOTE not in m.auto_comments
    )
    return wrong


def unspoken(catalogue: Catalog) -> list[str]:
    """What errors say and the catalogue does not."""
    found = {text: catalogue.get(text) for text in spoken_texts()}
    return sorted(text for text, own in found.items() if own is None or not _complete(own.string))


def _complete(string: str | list[str] | tuple[str, ...] | None) -> bool:
    return bool(string) if isinstance(string, str) or string is None else bool(string) and all(string)


def update(locale: Locale, template: Catalog) -> None:
    """Write the catalogue of a locale with exactly the texts of the template, keeping what is translated."""
    path = catalogue_path(locale)
    old = read_catalogue(locale) if path.exists() else Catalog(locale=locale.replace("-", "_"), domain=DOMAIN)
    fresh = Catalog(locale=locale.replace("-", "_"), domain=DOMAIN, project="Hutong", fuzzy=False)
    for message in template:
        if message.id:
            own = old.get(message.id)
            fresh.add(message.id, own.string if own else "", message.locations, auto_comments=message.auto_comments)
    if locale == ERRORS_IN:
        for text in sorted(spoken_texts()):
            own = old.get(text)
            fresh.add(text, own.string if own else "", auto_comments=[ERROR_NOTE])
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, fresh, width=_LINE_CHARS, sort_output=True, omit_header=True, include_lineno=False)


def load_everything() -> None:
    """Import every module of the house: an error that is not loaded would lose its translation."""
    for module in walk_packages(hutong.__path__, "hutong."):
        if not module.name.startswith(ALEMBIC_ONLY):
            import_module(module.name)


def main() -> int:
    """Update all catalogues; the exit code is 1 while anything is untranslated."""
    load_everything()
    template = extract()
    wrong: list[str] = []
    for locale in LOCALES:
        if locale != DEFAULT_LOCALE:
            update(locale, template)
            wrong += faults(locale, template, read_catalogue(locale))
    wrong += [f"{ERRORS_IN}: untranslated: {text}" for text in unspoken(read_catalogue(ERRORS_IN))]
    sys.stdout.write("".join(f"{line}\n" for line in wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
