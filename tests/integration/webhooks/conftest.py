"""A merchant with endpoints, a courier, and a receiver that really listens and can be told how to behave."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hutong.db.keyring import Keyring

sys.path.insert(0, str(Path(__file__).parent))  # helpers beside the tests; pytest's importlib mode does not add it
from webhooks_post import Post


@pytest.fixture
def posting(room, tmp_path):
    """Run ``work(post)`` with a receiver that is up."""
    Keyring.create(tmp_path / "vault.key")

    @asynccontextmanager
    async def opened():
        post = Post(room, tmp_path / "vault.key")
        await post.receiver.up()
        try:
            yield post
        finally:
            await post.receiver.down()
            await post.courier._sender.close()
            await post.rest()

    def run(work):
        async def main():
            async with opened() as post:
                return await work(post)

        return room.run(main)

    return run
