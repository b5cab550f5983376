"""Guesses at a password: a bound that many at once do not pass, and never more work at a time than is stated."""

from __future__ import annotations

import asyncio
import threading
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hutong.links.guesses import ADDRESS_PACE, HASHES_AT_ONCE, LINK_PACE, WAITING_MAX, Doorkeeper, Guess
from hutong.links.locks import PASSWORD_CHARS_MAX, Lock, plain_password

LOCK = Lock(lock_id=UUID(int=1), password_hash="right")
OTHER = Lock(lock_id=UUID(int=2), password_hash="other")
HERE, THERE = "8.8.8.8", "8.8.4.4"


def verify(password_hash, password):
    return password_hash == password


class Asked:
    """A doorkeeper and what it says."""

    def __init__(self, check=verify):
        self.keeper = Doorkeeper(check)

    async def __call__(self, word="wrong", address=HERE, now_s=0.0, lock=LOCK, code="a"):
        return await self.keeper.judge(code, lock, word, address, now_s)


def run(work):
    return asyncio.run(work())


def test_so_many_wrong_ones_from_an_address_at_once_or_one_by_one():
    async def work():
        ask = Asked()
        at_once = await asyncio.gather(*(ask() for _ in range(ADDRESS_PACE.calls + 5)))
        assert at_once.count(Guess.WRONG) == ADDRESS_PACE.calls
        assert at_once.count(Guess.LIMITED) == 5
        assert await ask("right") is Guess.LIMITED
        assert await ask(address=THERE) is Guess.WRONG
        assert await ask(code="b") is Guess.WRONG, "another link has its own"
        assert await ask("right", now_s=ADDRESS_PACE.seconds / ADDRESS_PACE.calls) is Guess.RIGHT

    run(work)


def test_so_many_wrong_ones_at_a_link_from_everywhere_and_who_is_over_his_own_uses_up_nobodys():
    async def work():
        ask = Asked()
        for _ in range(LINK_PACE.calls * 2):
            await ask()
        found = [await ask(address=f"9.9.{n // 200}.{n % 200}") for n in range(LINK_PACE.calls)]
        assert found.count(Guess.WRONG) == LINK_PACE.calls - ADDRESS_PACE.calls
        assert await ask("right", address="7.7.7.7") is Guess.LIMITED
        assert await ask("right", address="7.7.7.7", now_s=LINK_PACE.seconds / LINK_PACE.calls + 0.1) is Guess.RIGHT
        assert await ask("right", address="10.0.0.1", code="b") is Guess.RIGHT
        no_address = [await ask(address="10.0.0.1", code="c") for _ in range(LINK_PACE.calls + 1)]
        assert no_address.count(Guess.WRONG) == LINK_PACE.calls, "an undeclared proxy is nobody's address"

    run(work)


def test_right_ones_use_nothing_up_and_are_hashed_once():
    hashed = []

    def check(password_hash, password):
        hashed.append(password)
        return verify(password_hash, password)

    async def work():
        ask = Asked(check)
        for _ in range(LINK_PACE.calls * 2):
            assert await ask("right") is Guess.RIGHT
        assert await ask() is Guess.WRONG
        assert hashed == ["right"]
        assert await ask("right", lock=OTHER) is Guess.WRONG, "another password is another one"
        assert await ask("other", lock=OTHER) is Guess.RIGHT

    run(work)


def test_never_more_at_a_time_than_stated_and_who_goes_away_makes_no_room():
    gate, lock, running, most = threading.Event(), threading.Lock(), 0, 0

    def check(password_hash, password):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        assert gate.wait(5)
        with lock:
            running -= 1
        return verify(password_hash, password)

    async def work():
        ask, room = Asked(check), HASHES_AT_ONCE + WAITING_MAX
        asking = [asyncio.create_task(ask(address=f"9.9.9.{n}")) for n in range(room + 8)]
        await asyncio.sleep(0.05)
        busy = [one for one in asking if one.done()]
        assert [one.result() for one in busy] == [Guess.BUSY] * 8
        for one in asking[:HASHES_AT_ONCE]:
            one.cancel()
        await asyncio.sleep(0)
        assert await ask(address="7.7.7.7") is Guess.BUSY
        gate.set()
        told = await asyncio.gather(*asking[:room], return_exceptions=True)
        assert told.count(Guess.WRONG) == room - HASHES_AT_ONCE
        assert most == HASHES_AT_ONCE
        assert await ask("right", address="7.7.7.7") is Guess.RIGHT, "there is room again, and busy used nothing up"

    run(work)


@pytest.mark.parametrize("word", ["", " ", "\u200b", "x" * (PASSWORD_CHARS_MAX + 1)])
def test_what_cannot_be_one_is_wrong_without_a_hash(word):
    def never(*_):
        raise AssertionError

    assert run(lambda: Asked(never)(word)) is Guess.WRONG


@settings(max_examples=50)
@given(st.text(max_size=80))
def test_a_password_is_one_however_often_it_is_brought_into_form(text):
    plain = plain_password(text)
    assert plain_password(plain) == plain
    assert plain_password(f" {text}\u200b\n") == plain
    assert plain.isprintable()
