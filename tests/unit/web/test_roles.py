"""Which pages whom: closed to a role means not shown and not opened."""

from __future__ import annotations

import pytest

from hutong.merchants.queries import MerchantRow
from hutong.merchants.staff import Role
from hutong.web.console.roles import MONEY_PATHS, OUTSIDE_PATHS, closed_paths, may_visit, scope_of
from hutong.web.console.views import SettingsView
from hutong.web.render import Renderer
from hutong.web.scene import Scene


@pytest.mark.parametrize("role", [Role.OWNER, Role.MANAGER])
def test_who_runs_the_shop_sees_its_money(role):
    assert not set(closed_paths(role)) & {*MONEY_PATHS, *OUTSIDE_PATHS}
    assert all(may_visit(role, path) for path in MONEY_PATHS)


@pytest.mark.parametrize("role", Role)
def test_an_owner_alone_says_who_works_here(role):
    assert may_visit(role, "/settings")
    assert may_visit(role, "/settings/staff") is may_visit(role, "/settings/staff/1/role") is (role is Role.OWNER)
    assert scope_of("/settings/staff/1") == "staff:write"
    assert scope_of("/books") == "ledger:read"


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
