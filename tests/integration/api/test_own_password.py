"""One's own password: whoever is signed in and knows it changes it; whoever else was in by it is out."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from argon2 import PasswordHasher

from hutong.core.errors import Unauthorized
from hutong.merchants.actors import HOME
from hutong.merchants.own_password import PasswordWrong, change_password
from hutong.merchants.service import create_merchant
from hutong.merchants.staff import (
    PASSWORD_CHARS_MAX,
    PASSWORD_CHARS_MIN,
    Role,
    add_staff,
    check_password,
    find_session,
    open_session,
)
from hutong.merchants.staffing import StaffAct, acts_about, switch_off
from hutong.web.session import CSRF_FIELD, SESSION_COOKIE, TRIES_MAX, TRIES_WINDOW, VISIT_COOKIE, csrf_token, sign_in

PLACE = "/settings/password"
OLD, NEW, OTHER = "the-old-one-of-li", "quite another one", "never was anybody's"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch):
    """The real hash with little work: what it costs is not what is tested here."""
    monkeypatch.setattr("hutong.merchants.staff._HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


class Person:
    """Somebody with the old password, signed in in the caller's client."""

    def __init__(self, caller, staff_id, login, cookie):
        self.caller, self.staff_id, self.login, self.cookie = caller, staff_id, login, cookie

    async def change(self, present=OLD, new=NEW, again=None, **more):
        """Sends the form; no answer holds what was typed."""
        again = new if again is None else again
        form = {"present": present, "new": new, "again": again, CSRF_FIELD: csrf_token(self.cookie), **more}
        headers = {"cookie": f"{SESSION_COOKIE}={self.cookie}", "accept-language": "zh-CN"}
        answer = await self.caller.client.post(PLACE, data=form, headers=headers)
        for typed in filter(None, (present, new, again)):
            assert typed not in answer.text + str(answer.headers)
        return answer

    async def looks(self, path):
        headers = {"cookie": f"{SESSION_COOKIE}={self.cookie}", "accept-language": "zh-CN"}
        return await self.caller.client.get(path, headers=headers)

    async def refused(self, said, status=422, **form):
        answer = await self.change(**form)
        assert (answer.status_code, said in answer.text) == (status, True), answer.text
        assert "data-refusal" in answer.text

    async def enters(self, password):
        """Whether a password opens the door."""
        try:
            return await sign_in(self.caller.runtime, self.login, password)
        except Unauthorized:
            return ""

    async def acts(self):
        async with self.caller.room.unit() as unit:
            return [(act.action, act.actor) for act in await acts_about(unit, self.staff_id)]


async def somebody(caller, role=Role.CASHIER):
    login = f"li.{uuid4().hex}"
    async with caller.room.unit() as unit:
        staff_id = await add_staff(unit, login, "李明", OLD, role)
        cookie = await open_session(unit, staff_id)
    caller.client.headers.pop("authorization", None)
    return Person(caller, staff_id, login, cookie)


async def is_in(caller, cookie):
    async with caller.room.unit() as unit:
        return await find_session(unit, cookie) is not None


def test_everybody_changes_their_own_and_the_others_sessions_end(calling):
    async def work(caller):
        colleague = await somebody(caller, Role.CASHIER)
        for role in Role:
            person = await somebody(caller, role)
            elsewhere = await person.enters(OLD)
            page = await person.looks("/settings")
            assert f'action="{PLACE}#password"' in page.text
            assert page.text.count('autocomplete="new-password"') == 2
            caller.room.clock.advance(minutes=1)
            answer = await person.change()
            assert (answer.status_code, answer.headers["location"]) == (303, "/settings?changed=password")
            told = await person.looks(answer.headers["location"])
            assert told.status_code == 200, "the session that changed it lives on"
            assert "密码已经改好" in told.text
            assert not await is_in(caller, elsewhere)
            assert (await person.acts())[0] == (StaffAct.PASSWORD.value, f"staff:{person.staff_id}")
            assert not await person.enters(OLD)
            assert await person.enters(NEW)
        assert await is_in(caller, colleague.cookie), "sessions of others live on"
        assert await colleague.enters(OLD), "passwords of others stay"

    calling(work)


def test_what_is_refused_changes_nothing(calling):
    async def work(caller):
        person = await somebody(caller)
        elsewhere = await person.enters(OLD)
        before = await person.acts()
        await person.refused("现在的密码不对", present=OTHER)
        await person.refused("现在的密码不对", present=OLD.upper())
        await person.refused("“现在的密码”没有填写", present="")
        await person.refused("“新密码”没有填写", new="")
        await person.refused("“再输一次新密码”没有填写", again="")
        bounds = f"{PASSWORD_CHARS_MIN} 到 {PASSWORD_CHARS_MAX} 个字"
        await person.refused(bounds, new="x" * (PASSWORD_CHARS_MIN - 1))
        await person.refused(bounds, new="x" * (PASSWORD_CHARS_MAX + 1))
        await person.refused("两次输入的新密码不一样", again=OTHER)
        await person.refused("新密码和现在的一样", new=OLD)
        forged = await person.change(**{CSRF_FIELD: csrf_token("another")})
        assert forged.status_code == 403
        assert await is_in(caller, elsewhere)
        assert await person.acts() == before
        assert await person.enters(OLD)
        back = await person.looks(PLACE)
        assert (back.status_code, back.headers["location"]) == (303, "/settings")

    calling(work)


def test_the_longest_and_the_shortest_will_do(calling):
    async def work(caller):
        person = await somebody(caller)
        longest, shortest = "x" * PASSWORD_CHARS_MAX, "y" * PASSWORD_CHARS_MIN
        assert (await person.change(new=longest)).status_code == 303
        await person.refused("新密码和现在的一样", present=f"{longest}z", new=longest)
        assert (await person.change(present=longest, new=shortest)).status_code == 303
        assert await person.enters(shortest)

    calling(work)


def test_guesses_are_bounded_as_at_the_door_however_many_come_at_once(calling):
    async def work(caller):
        person, colleague = await somebody(caller), await somebody(caller)
        for _ in range(TRIES_MAX):
            await person.refused("两次输入的新密码不一样", again=OTHER)  # no guess
        many = await asyncio.gather(*(person.change(present=OTHER) for _ in range(TRIES_MAX + 3)))
        assert sorted(one.status_code for one in many) == [422] * TRIES_MAX + [429] * 3
        await person.refused("尝试次数太多", status=429)  # the right one has to wait, too
        form = {"login": person.login.upper(), "password": OLD, CSRF_FIELD: csrf_token("x")}
        door = await caller.client.post("/login", data=form, headers={"cookie": f"{VISIT_COOKIE}=x"})
        assert door.status_code == 429, "one count for both doors"
        assert (await colleague.change()).status_code == 303
        caller.room.clock.advance(seconds=TRIES_WINDOW.total_seconds() + 1)
        await person.refused("现在的密码不对", present=OTHER)
        assert (await person.change()).status_code == 303, "the right one is let through, and wrong ones are forgotten"

    calling(work)


def test_of_many_guesses_at_the_door_no_more_are_let_through_than_one_after_the_other(calling):
    async def work(caller):
        person = await somebody(caller)
        form = {"login": person.login, "password": OTHER, CSRF_FIELD: csrf_token("x")}
        headers = {"cookie": f"{VISIT_COOKIE}=x"}
        guesses = (caller.client.post("/login", data=form, headers=headers) for _ in range(TRIES_MAX + 3))
        answers = await asyncio.gather(*guesses)
        assert sorted(one.status_code for one in answers) == [401] * TRIES_MAX + [429] * 3

    calling(work)


def test_staff_of_another_merchant_is_untouched(calling):
    async def work(caller):
        person, home = await somebody(caller), caller.room.merchant_id
        caller.room.merchant_id = uuid4()
        async with caller.room.unit() as unit:
            await create_merchant(unit, "别家店")
        stranger = await somebody(caller)
        caller.room.merchant_id = home
        crossed = Person(caller, stranger.staff_id, stranger.login, f"{home.hex}.{stranger.cookie.partition('.')[2]}")
        answer = await crossed.change()
        assert answer.headers["location"] == "/login", "a session is worth nothing at another merchant's"
        assert (await person.change()).status_code == 303
        assert await stranger.enters(OLD)

    calling(work)


def test_whoever_was_sent_away_meanwhile_changes_nothing(room):
    """The session was read, the body came late: it is asked for again where the act is done."""

    async def work():
        async with room.unit() as unit:
            login = uuid4().hex
            staff_id = await add_staff(unit, login, "李明", OLD, Role.CLERK)
            await add_staff(unit, uuid4().hex, "店主", OLD, Role.OWNER)
            session, cookie = await check_password(unit, login, OLD), await open_session(unit, staff_id)
            with pytest.raises(PasswordWrong):
                await change_password(unit, session, cookie, present=OTHER, new=NEW)
            with pytest.raises(Unauthorized):
                await change_password(unit, session, f"{cookie}x", present=OLD, new=NEW)
            await switch_off(unit, HOME, staff_id)
            with pytest.raises(Unauthorized):
                await change_password(unit, session, cookie, present=OLD, new=NEW)

    room.run(work)


def test_of_two_changes_at_the_same_moment_one_holds(room):
    """The second finds another password; without the row held both would be told that theirs is the new one."""

    async def work():
        async with room.unit() as unit:
            login = uuid4().hex
            staff_id = await add_staff(unit, login, "李明", OLD, Role.CLERK)
            session = await check_password(unit, login, OLD)
            cookies = [await open_session(unit, staff_id) for _ in range(2)]

        async def change(number):
            async with room.unit() as unit:
                await change_password(unit, session, cookies[number], present=OLD, new=f"{NEW}-{number}")

        done = await asyncio.gather(change(0), change(1), return_exceptions=True)
        [refusal] = [one for one in done if one is not None]
        assert isinstance(refusal, Unauthorized | PasswordWrong)
        holds = done.index(None)
        async with room.unit() as unit:
            assert await check_password(unit, login, f"{NEW}-{holds}")
            assert [await find_session(unit, one) is not None for one in cookies] == [holds == 0, holds == 1]

    room.run(work)
