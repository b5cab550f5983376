"""A database with the hub's schema and one merchant's id."""

from __future__ import annotations

import pytest


@pytest.fixture
def address(make_database, hub_template):
    return make_database(hub_template)
