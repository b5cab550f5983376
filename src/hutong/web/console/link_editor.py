"""The editor of a link's rules, with what happens in each app beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from litestar import Controller, Response, get, post
from litestar.enums import MediaType
from litestar.status_codes import HTTP_200_OK, HTTP_422_UNPROCESSABLE_ENTITY

from hutong.core.errors import Conflict, ErrorText, HutongError, NotFound
from hutong.db.unit import Unit
from hutong.links.containers import CONTAINERS, SYSTEMS
from hutong.links.hosts import host_states
from hutong.links.locks import PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, UNCHANGED
from hutong.links.rules.broken import RuleBroken
from hutong.links.rules.checks import check_rules
from hutong.links.rules.compiled import Visit, compile_rules
from hutong.links.rules.model import RULES_MAX, VARIANTS_MAX, with_keys
from hutong.links.rules.service import LinkRules, rules_of
from hutong.links.rules.utm import PRESETS
from hutong.links.service import LinkView, find_link
from hutong.links.standing import people_of, standing_of
from hutong.links.switches import is_all_off
from hutong.merchants.queries import this_merchant
from hutong.shops.queries import SkuChoice, sku_choices
from hutong.web.console.desk import ConsoleRequest, Desk, go_to
from hutong.web.console.link_forms import EditorForm, read_form, read_moment, shown, typed
from hutong.web.console.link_preview import Preview, preview
from hutong.web.console.views import View
from hutong.web.errors import text_for
from hutong.web.labels import mark
from hutong.web.languages import locale_of
from hutong.workflows.commands.link_rules import save_rules

SAVE: Final = "save"
#: What a visitor's browser may say in the preview.
LANGUAGES: Final = ("zh-CN", "zh-TW", "en")


#: What is wrong, beside a field; the same reasons as links/rules/broken.py.
REASON_WORDS: Final = {
    "unknown": mark("不认识“%(what)s”"),
    "unreadable": mark("看不懂“%(what)s”"),
    "too_many": mark("最多 %(what)s 个"),
    "too_few": mark("至少 %(what)s 个"),
    "too_long": mark("最多 %(what)s 个字"),
    "too_short": mark("至少 %(what)s 个字"),
    "range": mark("应在 %(what)s 之间"),
    "twice": mark("“%(what)s”出现了两次"),
    "both_times": mark("开始和结束都要填，而且不能相同"),
    "order": mark("结束不能早于开始"),
    "one_way": mark("网址、商品、对比方案，三者填一种"),
    "destination": mark("“%(what)s”不在允许的网站之内"),
    "never": mark("前面的规则对所有人都成立，这一条永远用不到"),
}


class Fault(View, frozen=True, kw_only=True):
    """What is wrong, and where: rule 0 is the link as a whole, variant 0 the rule itself."""

    rule: int
    variant: int
    field: str
    text: str


class Suggestion(View, frozen=True, kw_only=True):
    """A usual channel, by its name in the reader's language."""

    key: str
    name: str
    source: str
    medium: str


class EditorView(View, frozen=True, kw_only=True):
    """The editor. ``preview`` None: the form holds what cannot be read, and ``fault`` says what."""

    link: LinkView
    sku_title: str
    form: EditorForm
    zone: str
    skus: tuple[SkuChoice, ...]
    preview: Preview | None
    fault: Fault | None = None
    refusal: ErrorText | None = None
    saved: bool = False
    containers: tuple[str, ...] = CONTAINERS
    systems: tuple[str, ...] = SYSTEMS[:-1]
    languages: tuple[str, ...] = LANGUAGES
    suggestions: tuple[Suggestion, ...] = ()
    rules_max: int = RULES_MAX
    variants_max: int = VARIANTS_MAX
    password_chars: tuple[int, int] = (PASSWORD_CHARS_MIN, PASSWORD_CHARS_MAX)


class LinkEditorController(Controller):
    """``/links/{code}/edit``."""

    path = "/links/{code:str}"
    include_in_schema = False

    @get("/edit")
    async def show(self, request: ConsoleRequest, desk: Desk, code: str, saved: str = "") -> Response[str]:
        """The rules as they are."""
        async with desk.unit(request, "console.link_editor") as unit:
            link = await _link(unit, code)
            kept = await rules_of(unit, link.link_id, (await this_merchant(unit)).timezone)
            view = await _view(request, desk, unit, link, shown(kept), kept)
            view = msgspec.structs.replace(view, saved=saved == "yes")
            return await desk.page(request, unit, "console/link_editor.html", view)

    @post("/edit", media_type=MediaType.HTML, status_code=HTTP_200_OK)
    async def change(self, request: ConsoleRequest, desk: Desk, code: str) -> Response[Any]:
        """Save; or the same form with a rule more or less. Where something is wrong, the form with what was typed."""
        given = await request.form()
        form = typed(given)
        refused: HutongError | None = None
        if given.get("do") == SAVE:
            try:
                await _save(request, desk, code, form)
            except (RuleBroken, Conflict) as error:
                refused = error
            else:
                return go_to(f"/links/{code}/edit?saved=yes")
        async with desk.unit(request, "console.link_editor") as unit:
            link = await _link(unit, code)
            kept = await rules_of(unit, link.link_id, (await this_merchant(unit)).timezone)
            view = await _view(request, desk, unit, link, form, kept, refused)
            page = await desk.page(request, unit, "console/link_editor.html", view)
        page.status_code = HTTP_200_OK if refused is None else HTTP_422_UNPROCESSABLE_ENTITY
        return page

    @post("/preview", media_type=MediaType.HTML, status_code=HTTP_200_OK)
    async def look(self, request: ConsoleRequest, desk: Desk, code: str) -> Response[str]:
        """What would happen in each app: a part of the page, for the form as it stands."""
        form = typed(await request.form())
        async with desk.unit(request, "console.link_preview") as unit:
            link = await _link(unit, code)
            kept = await rules_of(unit, link.link_id, (await this_merchant(unit)).timezone)
            view = await _view(request, desk, unit, link, form, kept)
            return await desk.page(request, unit, "console/link_preview.html", view)


async def _save(request: ConsoleRequest, desk: Desk, code: str, form: EditorForm) -> None:
    async with desk.unit(request, "console.link_rules") as unit:
        link = await _link(unit, code)
        kept = await rules_of(unit, link.link_id, (await this_merchant(unit)).timezone)
        made = read_form(form, kept)
        if made == read_form(shown(kept), kept):
            return  # nobody touched it
        await save_rules(
            unit,
            link.link_id,
            made.rules,
            expires_at=made.expires_at,
            revision=made.revision,
            password=made.password,
        )


async def _link(unit: Unit, code: str) -> LinkView:
    found = await find_link(unit, code)
    if found is None:
        raise NotFound(what="link", key=code)
    return found


async def _view(
    request: ConsoleRequest,
    desk: Desk,
    unit: Unit,
    link: LinkView,
    form: EditorForm,
    kept: LinkRules,
    refused: HutongError | None = None,
) -> EditorView:
    skus = await sku_choices(unit)
    looked: Preview | None = None
    fault = refused
    try:
        looked = await _look(unit, desk, link, form, kept)
    except RuleBroken as error:
        fault = refused or error
    locale, catalogues = locale_of(request), desk.renderer.catalogues
    return EditorView(
        link=link,
        sku_title=next((sku.title for sku in skus if sku.sku_id == link.sku_id), ""),
        form=form,
        zone=kept.rules.zone,
        skus=skus,
        preview=looked,
        fault=_fault(fault, catalogues.of(locale).ugettext) if isinstance(fault, RuleBroken) else None,
        refusal=None if fault is None else text_for(fault, locale, catalogues),
        suggestions=tuple(
            Suggestion(
                key=one.key,
                name={"zh-Hans": one.zh_hans, "zh-Hant": one.zh_hant}.get(locale, one.en),
                source=one.source,
                medium=one.medium,
            )
            for one in PRESETS
        ),
    )


def _fault(error: RuleBroken, translate: Callable[[str], str]) -> Fault:
    rule, variant = int(error.details["rule"]), int(error.details["variant"])
    what = str(error.details["what"])
    text = translate(REASON_WORDS.get(str(error.details["reason"]), "")) % {"what": what}
    return Fault(rule=rule, variant=variant, field=str(error.details["field"]), text=text)


async def _look(unit: Unit, desk: Desk, link: LinkView, form: EditorForm, kept: LinkRules) -> Preview:
    made = read_form(form, kept)
    hosts = await host_states(unit)
    check_rules(made.rules, frozenset(hosts), made.expires_at)
    compiled = compile_rules(with_keys(made.rules), link.url, link.sku_id)
    at = read_moment(form.try_at, kept.rules.zone) or unit.now()
    seen = Visit(container="", os="", language=form.try_language, at=at, query=form.try_query)
    standing = standing_of(
        state=link.state,
        is_all_off=await is_all_off(unit),
        starts_at=made.rules.starts_at,
        expires_at=made.expires_at,
        clicks_max=made.rules.clicks_max,
        people=(await people_of(unit, [link.link_id])).get(link.link_id, 0) if made.rules.clicks_max else 0,
        now=at,
    )
    address = f"{desk.runtime.public_url}/l/{link.code}"
    is_locked = bool(made.password or (made.password is UNCHANGED and link.lock_id))
    return preview(compiled, desk.runtime.ways, address, seen, hosts, standing, is_locked=is_locked)
