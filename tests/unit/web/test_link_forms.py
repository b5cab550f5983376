"""Whoever opens the editor of a link and saves it without a change has changed nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from hutong.links.rules.model import Rule, Rules, Utm, Variant, When
from hutong.links.rules.service import LinkRules
from hutong.web.console.link_forms import read_form, shown

ZONE = "Asia/Shanghai"
SKU = UUID(int=7)
EVERYTHING = When(
    containers=("wechat", "qq"),
    systems=("ios",),
    languages=("zh", "en-GB"),
    from_date=date(2026, 11, 1),
    until_date=date(2026, 11, 11),
    from_time="20:00",
    until_time="02:00",
    query_name="from",
    query_value="poster",
)


@pytest.mark.parametrize(
    "rule",
    [
        Rule(key="r1", when=EVERYTHING, url="https://item.jd.com/1.html"),
        Rule(key="r2", when=When(query_name="from"), sku_id=SKU),
        Rule(key="r3", when=When(query_name="from", query_value=""), url="https://item.jd.com/1.html"),
        Rule(
            key="r4",
            variants=(
                Variant(key="v1", weight=3, url="https://item.jd.com/1.html"),
                Variant(key="v2", weight=0, sku_id=SKU),
            ),
        ),
    ],
)
@pytest.mark.parametrize("second", [0, 59])
def test_what_is_shown_is_read_as_it_was(rule, second):
    moment = datetime(2026, 11, 11, 15, 59, second, tzinfo=UTC)
    rules = Rules(
        zone=ZONE,
        rules=(rule,),
        utm=Utm(source="weibo", campaign="双十一"),
        starts_at=moment,
        clicks_max=500,
        over_url="https://item.jd.com/2.html",
    )
    kept = LinkRules(rules=rules, revision=4, expires_at=moment)
    made = read_form(shown(kept), kept)
    assert (made.rules, made.expires_at, made.revision) == (rules, moment, 4)
