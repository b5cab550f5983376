"""Rules of a link: read and changed by programs."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import Controller, get, patch

from hutong.links.rules.model import Rule, Rules, Utm
from hutong.links.rules.service import LinkRules, rules_of
from hutong.merchants.keys import ApiKey
from hutong.merchants.queries import this_merchant
from hutong.web.api.bodies import LinkPassword, RequestBody, Url, Word
from hutong.workflows.commands.link_rules import save_rules
from hutong.workflows.commands.link_winners import Standing, standings
from hutong.workflows.runtime import Runtime


class RulesChange(RequestBody, frozen=True, kw_only=True):
    """What is to be changed; what is not named stays. ``rules`` are replaced as a whole, in their order.

    ``revision``: the one that was read; another one in force is a conflict. ``password``: what visitors have to give,
    4 to 64 characters; null takes it away. It is given back nowhere.
    """

    revision: int | None = None
    zone: Word | msgspec.UnsetType = msgspec.UNSET
    rules: tuple[Rule, ...] | msgspec.UnsetType = msgspec.UNSET
    utm: Utm | msgspec.UnsetType = msgspec.UNSET
    starts_at: datetime | msgspec.UnsetType | None = msgspec.UNSET
    expires_at: datetime | msgspec.UnsetType | None = msgspec.UNSET
    clicks_max: int | msgspec.UnsetType = msgspec.UNSET
    over_url: Url | msgspec.UnsetType | None = msgspec.UNSET
    password: LinkPassword | msgspec.UnsetType | None = msgspec.UNSET


class RulesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A link's rules. ``revision`` 0: it never had any. ``key`` of rule and variant stand with each click."""

    link_id: UUID
    revision: int
    zone: str
    rules: tuple[Rule, ...]
    utm: Utm
    starts_at: datetime | None
    expires_at: datetime | None
    clicks_max: int
    over_url: str | None
    has_password: bool


class ComparisonsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """All comparisons of a link, in the order of its rules."""

    items: tuple[Standing, ...]


class LinkRulesApi(Controller):
    """Rules of a link."""

    path = "/api/v1/links"
    tags = ["Links"]

    @get("/{link_id:uuid}/rules", opt={"scope": "links:read"}, summary="A link's rules")
    async def show(self, runtime: Runtime, caller: ApiKey, link_id: UUID) -> RulesAnswer:
        """Who is led elsewhere, from when to when, and for how many clicks."""
        async with runtime.unit(caller.merchant_id, "api.link_rules") as unit:
            return _answer(link_id, await rules_of(unit, link_id, (await this_merchant(unit)).timezone))

    @patch("/{link_id:uuid}/rules", opt={"scope": "links:write"}, summary="Change a link's rules")
    async def change(self, runtime: Runtime, caller: ApiKey, link_id: UUID, data: RulesChange) -> RulesAnswer:
        """Change what is named. A rule that cannot be used is refused with number and field; nothing changes."""
        async with runtime.unit(caller.merchant_id, "api.link_rules_change") as unit:
            kept = await rules_of(unit, link_id, (await this_merchant(unit)).timezone)
            given = {
                name: value
                for name in Rules.__struct_fields__
                if (value := getattr(data, name, msgspec.UNSET)) is not msgspec.UNSET
            }
            expires_at = kept.expires_at if data.expires_at is msgspec.UNSET else data.expires_at
            rules = msgspec.structs.replace(kept.rules, **given)
            made = await save_rules(
                unit, link_id, rules, expires_at=expires_at, revision=data.revision, password=data.password
            )
        return _answer(link_id, made)

    @get("/{link_id:uuid}/comparisons", opt={"scope": "figures:read"}, summary="How a link's variants sell")
    async def comparisons(self, runtime: Runtime, caller: ApiKey, link_id: UUID) -> ComparisonsAnswer:
        """Clicks of people and orders by variant, the chance of each to be the best, and the winner where one is."""
        async with runtime.unit(caller.merchant_id, "api.link_comparisons") as unit:
            return ComparisonsAnswer(items=await standings(unit, link_id))


def _answer(link_id: UUID, kept: LinkRules) -> RulesAnswer:
    rules = kept.rules
    return RulesAnswer(
        link_id=link_id,
        revision=kept.revision,
        zone=rules.zone,
        rules=rules.rules,
        utm=rules.utm,
        starts_at=rules.starts_at,
        expires_at=kept.expires_at,
        clicks_max=rules.clicks_max,
        over_url=rules.over_url,
        has_password=kept.has_password,
    )
