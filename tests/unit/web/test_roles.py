"""Which pages whom: closed to a role means not shown and not opened."""

from __future__ import annotations

import pytest

from hutong.merchants.queries import MerchantRow
from hutong.merchants.staff import Role
from hutong.web.console.roles import MONEY_PATHS, closed_paths, may_visit
from hutong.web.console.views import SettingsView
from hutong.web.render import Renderer
from hutong.web.scene import Scene


@pytest.mark.parametrize("role", [Role.OWNER, Role.MANAGER])
def test_who_runs_the_shop_sees_its_money(role):
    assert closed_paths(role) == ()
    assert all(may_visit(role, path) for path in MONEY_PATHS)


@pytest.mark.parametrize("path", [*MONEY_PATHS, "/books/journal", "/books/journal.csv", "/splits/rules/1/end"])
def test_a_clerk_neither_sees_nor_changes_it(path):
    assert not may_visit(Role.CLERK, path)


@pytest.mark.parametrize("path", ["/", "/orders", "/payments", "/refunds", "/tickets", "/bookshelf"])
def test_a_clerk_sees_his_work(path):
    assert may_visit(Role.CLERK, path)


@pytest.mark.parametrize(("role", "shown"), [(Role.OWNER, True), (Role.CLERK, False)])
def test_the_menu_leaves_out_what_is_closed(role, shown):
    view = SettingsView(merchant=MerchantRow(name="店", currency="CNY", timezone="Asia/Shanghai"), staff=(), keys=())
    html = Renderer().page("console/settings.html", view, Scene(closed=closed_paths(role)))
    assert [f'href="{path}"' in html for path in MONEY_PATHS] == [shown] * len(MONEY_PATHS)
    assert 'href="/payments"' in html
