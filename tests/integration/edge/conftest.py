"""A database with the hub's schema and one merchant's id."""

from __future__ import annotations

import asyncio

import pytest

from hutong.migrations.runner import migrate


@pytest.fixture
def address(make_database):
    made = make_database()
    asyncio.run(migrate(made))
    return made
