"""Turns a template and its view into HTML in the visitor's language."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, cast
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from msgspec import Struct

from hutong.core.money import Money
from hutong.web.charts import chart_json
from hutong.web.format import Formats
from hutong.web.i18n import LOCALES, Catalogues, Locale
from hutong.web.i18n.locales import LOCALE_TITLES
from hutong.web.labels import label_of
from hutong.web.scene import Scene
from hutong.web.share import about_by_default
from hutong.web.sparkline import sparkline
from hutong.web.tones import tone_of

TEMPLATES_DIR: Final = Path(__file__).parent / "templates"
STATIC_DIR: Final = Path(__file__).parent / "static"
STATIC_URL: Final = "/static"
#: Environments are kept per language and zone; a hub serves merchants of few zones.
_ENVIRONMENTS_MAX: Final = 64
_VERSION_CHARS: Final = 10


class Renderer:
    """Renders every page. Made once at start: templates, catalogues and asset versions are read then."""

    def __init__(self) -> None:
        self.catalogues = Catalogues()
        self._loader = FileSystemLoader(TEMPLATES_DIR)
        self._versions = _asset_versions()
        self._environments: dict[tuple[Locale, str], Environment] = {}

    def page(self, template: str, view: Struct | None, scene: Scene) -> str:
        """The whole HTML of a page; ``view`` is its content."""
        environment = self._environment(scene.locale, scene.zone)
        return environment.get_template(template).render(view=view, scene=scene)

    def text(self, scene: Scene, message: str, **fields: str | int) -> str:
        """A source text in the visitor's language."""
        return self.catalogues.text(scene.locale, message, **fields)

    def label(self, kind: str, value: str, locale: Locale) -> str:
        """The name of a value of a kind, as ``label`` in templates."""
        return self.catalogues.of(locale).ugettext(label_of(kind, value))

    def asset(self, name: str) -> str:
        """The address of a static file, with the version of its content so that browsers may keep it for ever."""
        return f"{STATIC_URL}/{name}?v={self._versions.get(name, '0')}"

    def _environment(self, locale: Locale, zone: ZoneInfo) -> Environment:
        key = (locale, str(zone))
        if key not in self._environments:
            if len(self._environments) >= _ENVIRONMENTS_MAX:
                self._environments.clear()
            self._environments[key] = self._make_environment(locale, zone)
        return self._environments[key]

    def _make_environment(self, locale: Locale, zone: ZoneInfo) -> Environment:
        formats = Formats(locale, zone)
        translations = self.catalogues.of(locale)
        environment = Environment(
            loader=self._loader,
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.policies["ext.i18n.trimmed"] = True
        environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by jinja2.ext.i18n
            translations.ugettext, translations.ungettext, newstyle=True
        )

        plain_ngettext = cast("Callable[..., str]", environment.globals["ngettext"])

        @pass_context
        def counted(context: Context, singular: str, plural: str, count: int, **given: object) -> str:
            """A text about a number, with its thousands grouped as everywhere else."""
            return plain_ngettext(context, singular, plural, count, num=formats.number(count), **given)

        environment.globals["ngettext"] = counted

        def money_html(amount: Money, figure: str = "") -> Markup:
            named = Markup(' data-figure="{}"').format(figure) if figure else Markup("")
            return Markup('<span class="num" data-minor="{}" data-currency="{}"{}>{}</span>').format(
                amount.amount_minor, amount.currency, named, formats.money(amount)
            )

        environment.filters.update(
            money=money_html,
            money_text=formats.money,
            number=formats.number,
            signed=formats.signed,
            bps=formats.basis_points,
            plain_rate=formats.plain_rate,
            moment=formats.moment,
            rate=formats.rate,
            second=formats.second,
            clock_time=formats.clock_time,
            date=formats.date_digits,
            day=formats.day,
            month=formats.month,
        )
        environment.globals.update(
            asset=self.asset,
            chart_json=chart_json,
            formats=formats,
            label=lambda kind, value: translations.ugettext(label_of(kind, value)),
            locales=LOCALES,
            locale_titles=LOCALE_TITLES,
            card_about=lambda card: card.about or about_by_default(card, formats.money),
            per_cent=formats.per_cent,
            sparkline=sparkline,
            tone=tone_of,
        )
        return environment


def _asset_versions() -> dict[str, str]:
    """A digest of the content of every static file, by its name below the folder."""
    files = [path for path in STATIC_DIR.rglob("*") if path.is_file() and path.suffix != ".woff2"]  # papers embed those
    return {
        path.relative_to(STATIC_DIR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:_VERSION_CHARS]
        for path in files
    }
