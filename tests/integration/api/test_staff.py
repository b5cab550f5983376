"""Who works here: made by the form or the API, told a password once, out at once, and never without an owner."""

from __future__ import annotations

import asyncio
import re
from uuid import uuid4

import pytest

from hutong.core.errors import Forbidden, NotFound, Unauthorized
from hutong.merchants.actors import HOME, Actor, OwnersOnly, key_actor, staff_actor
from hutong.merchants.keys import ApiKey
from hutong.merchants.staff import (
    PASSWORD_LETTERS,
    LoginTaken,
    Role,
    Session,
    add_staff,
    check_password,
    find_session,
    new_password,
    open_session,
)
from hutong.merchants.staffing import (
    LastOwner,
    NewMember,
    acts_about,
    give_role,
    hire,
    members,
    renew_password,
    switch_off,
    switch_on,
)
from hutong.web.session import CSRF_FIELD, SESSION_COOKIE, csrf_token, sign_in

PASSWORD = re.compile(r"data-password>([^<]+)<")
PLACE = "/settings/staff"
ACTS = ("role", "disable", "enable", "password")


def form(**more):
    return {"name": "王芳", "login": f"w.{uuid4().hex}", "role": "cashier", **more}


def person(role=Role.CASHIER):
    return {"name": "王芳", "login": f"w.{uuid4().hex}", "role": role}


async def cookie_of(caller, role):
    """Signs somebody of a role in, in the caller's client; their id."""
    async with caller.room.unit() as unit:
        staff_id = await add_staff(unit, uuid4().hex, "某人", uuid4().hex, role)
        cookie = await open_session(unit, staff_id)
    caller.client.headers.pop("authorization", None)
    caller.client.headers["cookie"] = f"{SESSION_COOKIE}={cookie}"
    return staff_id, csrf_token(cookie)


async def is_in(caller, cookie):
    async with caller.room.unit() as unit:
        return await find_session(unit, cookie) is not None


def test_somebody_is_added_comes_in_and_goes(calling):
    async def work(caller):
        token = {CSRF_FIELD: await caller.sign_in()}

        async def send(path, **data):
            caller.room.clock.advance(minutes=1)
            return await caller.client.post(f"{PLACE}{path}", data={**data, **token})

        async def comes_in(password):
            caller.room.clock.advance(minutes=1)
            return await sign_in(caller.runtime, login.upper(), password)

        given = form(login=f"  Wang.{uuid4().hex} ")
        made = await send("", **given)
        [password] = PASSWORD.findall(made.text)
        login = given["login"].strip().lower()
        assert login in made.text
        assert "no-store" in made.headers["cache-control"]
        listed = (await caller.client.get(PLACE)).text
        assert "收银员" in listed
        assert "还没有登录过" in listed
        cookie = await comes_in(password)
        async with caller.room.unit() as unit:
            [one] = [one for one in await members(unit) if one.login == login]
        assert one.last_in_at == caller.room.clock.now()
        place = f"/{one.staff_id}"
        assert password not in (await caller.client.get(PLACE + place)).text
        assert (await send(f"{place}/role", role="manager")).status_code == 303
        assert not await is_in(caller, cookie), "a role begins with a new sign-in"
        cookie = await comes_in(password)
        [other] = PASSWORD.findall((await send(f"{place}/password")).text)
        assert not await is_in(caller, cookie)
        with pytest.raises(Unauthorized):
            await comes_in(password)
        cookie = await comes_in(other)
        assert (await send(f"{place}/disable")).status_code == 303
        assert not await is_in(caller, cookie)
        with pytest.raises(Unauthorized):
            await comes_in(other)
        assert "已停用" in (await caller.client.get(PLACE + place)).text
        assert (await send(f"{place}/enable")).status_code == 303
        assert not await is_in(caller, cookie), "switched on again, an old session stays over"
        told = ["add", "sign_in", "role", "sign_in", "password", "sign_in", "disable", "enable"]
        async with caller.room.unit() as unit:
            assert [act.action for act in await acts_about(unit, one.staff_id)] == [
                f"staff.{one}" for one in told[::-1]
            ]

    calling(work)


REFUSED = (
    ({"name": " "}, "“姓名”没有填写"),
    ({"login": ""}, "“登录名”没有填写"),
    ({"login": "wang fang"}, "登录名“wang fang”不能用"),
    ({"login": "x" * 101}, "不能用"),
    ({"role": "king"}, "“角色”选的不在可选的范围里"),
    ({"role": ""}, "“角色”选的不在可选的范围里"),
    ({"name": "王" * 41}, "1–40"),
)


def test_a_refusal_keeps_what_was_typed(calling):
    async def work(caller):
        taken = form()
        await caller.post("/staff", taken)
        token = {CSRF_FIELD: await caller.sign_in()}
        for change, said in (*REFUSED, ({"login": taken["login"]}, "已经有人用了")):
            given = form(role="manager") | change
            answer = await caller.client.post(PLACE, data={**given, **token}, headers={"accept-language": "zh-CN"})
            assert answer.status_code == 422
            assert said in answer.text
            assert f'value="{given["name"]}"' in answer.text
            assert f'value="{given["login"]}"' in answer.text
            if given["role"] == "manager":
                assert 'value="manager" checked' in answer.text
        async with caller.room.unit() as unit:
            assert len(await members(unit)) == 2

    calling(work)


def test_only_an_owner_manages_staff_and_the_last_one_stays(calling):
    async def work(caller):
        for role in (Role.MANAGER, Role.CLERK, Role.CASHIER):
            staff_id, token = await cookie_of(caller, role)
            assert (await caller.client.get(PLACE)).status_code == 403
            for path in (PLACE, *(f"{PLACE}/{staff_id}/{act}" for act in ACTS)):
                answer = await caller.client.post(path, data={**form(role="owner"), CSRF_FIELD: token})
                assert answer.status_code == 403, path
            settings = (await caller.client.get("/settings")).text
            assert "管理员工" not in settings
            assert "登录名" not in settings, "half of what signs somebody in"
        staff_id, token = await cookie_of(caller, Role.OWNER)
        assert "管理员工" in (await caller.client.get("/settings")).text
        for path, data in (("disable", {}), ("role", {"role": "clerk"})):
            answer = await caller.client.post(
                f"{PLACE}/{staff_id}/{path}", data={**data, CSRF_FIELD: token}, headers={"accept-language": "zh-CN"}
            )
            assert answer.status_code == 422
            assert "是唯一还能登录的店主" in answer.text
        assert 'value="clerk" checked' in answer.text, "what was chosen stays chosen"
        async with caller.room.unit() as unit:
            assert len(await members(unit)) == 4

    calling(work)


def test_the_act_itself_asks_who_may(room):
    async def work():
        async with room.unit() as unit:
            nobody = Actor(name="staff:1", may_refund=True, may_pay_out=True)
            made = await hire(unit, HOME, **person())
            for act in (switch_off, switch_on, renew_password):
                with pytest.raises(Forbidden):
                    await act(unit, nobody, made.staff_id)
            with pytest.raises(Forbidden):
                await give_role(unit, nobody, made.staff_id, Role.OWNER)
            with pytest.raises(Forbidden):
                await hire(unit, nobody, **person())

    room.run(work)


def test_whoever_was_sent_away_meanwhile_does_nothing_more(room):
    """The session was read, the body came late: the role is asked for again where the act is done."""

    async def work():
        for end in (
            lambda unit, one: switch_off(unit, HOME, one),
            lambda unit, one: give_role(unit, HOME, one, Role.CLERK),
        ):
            async with room.unit() as unit:
                await hire(unit, HOME, **person(Role.OWNER))
                gone = await hire(unit, HOME, **person(Role.OWNER))
                other = await hire(unit, HOME, **person())
                session = Session(
                    merchant_id=unit.merchant_id, staff_id=gone.staff_id, name="x", login="x", role=Role.OWNER
                )
                actor = staff_actor(session)
                assert await give_role(unit, actor, other.staff_id, Role.CLERK)
                await end(unit, gone.staff_id)
                for act in (
                    hire(unit, actor, **person()),
                    give_role(unit, actor, other.staff_id, Role.OWNER),
                    switch_off(unit, actor, other.staff_id),
                    renew_password(unit, actor, other.staff_id),
                ):
                    with pytest.raises(Forbidden):
                        await act

    room.run(work)


def test_no_key_makes_an_owner_or_changes_one(room):
    async def work():
        async with room.unit() as unit:
            key = key_actor(ApiKey(merchant_id=unit.merchant_id, key_id=uuid4(), name="x", scopes=frozenset("*")))
            pair = [await hire(unit, HOME, **person(Role.OWNER)) for _ in range(2)]
            clerk = await hire(unit, key, **person())
            for act in (
                hire(unit, key, **person(Role.OWNER)),
                give_role(unit, key, clerk.staff_id, Role.OWNER),
                give_role(unit, key, pair[0].staff_id, Role.CLERK),
                renew_password(unit, key, pair[0].staff_id),
                switch_off(unit, key, pair[0].staff_id),
                switch_on(unit, key, pair[0].staff_id),
            ):
                with pytest.raises(OwnersOnly):
                    await act
            assert await switch_off(unit, key, clerk.staff_id)

    room.run(work)


def test_an_owner_who_is_switched_off_is_no_help(room):
    async def work():
        async with room.unit() as unit:
            stays = await hire(unit, HOME, **person(Role.OWNER))
            gone = await hire(unit, HOME, **person(Role.OWNER))
            await switch_off(unit, HOME, gone.staff_id)
            for other in (switch_off(unit, HOME, stays.staff_id), give_role(unit, HOME, stays.staff_id, Role.CLERK)):
                with pytest.raises(LastOwner):
                    await other
            await switch_on(unit, HOME, gone.staff_id)
            assert await give_role(unit, HOME, stays.staff_id, Role.CLERK)

    room.run(work)


def test_two_owners_cannot_send_each_other_away_at_the_same_moment(room):
    async def work():
        async with room.unit() as unit:
            pair = [await hire(unit, HOME, **person(Role.OWNER)) for _ in range(2)]

        async def away(one):
            async with room.unit() as unit:
                await switch_off(unit, HOME, one.staff_id)

        done = await asyncio.gather(*map(away, pair), return_exceptions=True)
        assert [type(one) for one in done if one is not None] == [LastOwner]
        async with room.unit() as unit:
            assert sum(one.disabled_at is None for one in await members(unit)) == 1

    room.run(work)


def test_a_session_that_the_old_password_opens_meanwhile_ends_too(room):
    """Whoever signs in holds their row: another password comes before or after, never in between."""

    async def work():
        async with room.unit() as unit:
            made = await hire(unit, HOME, **person())
        entered, cookies = asyncio.Event(), []

        async def come_in():
            async with room.unit() as unit:
                session = await check_password(unit, made.login, made.password)
                entered.set()
                await asyncio.wait([turned], timeout=0.5)  # the other one has had the time to go first
                cookies.append(await open_session(unit, session.staff_id))

        async def renew():
            await entered.wait()
            async with room.unit() as unit:
                await renew_password(unit, HOME, made.staff_id)

        turned = asyncio.ensure_future(renew())
        await asyncio.gather(come_in(), turned)
        async with room.unit() as unit:
            assert await find_session(unit, cookies[0]) is None

    room.run(work)


def test_the_api_does_the_same_within_its_scopes(calling):
    async def work(caller):
        given = form()
        made = await caller.post("/staff", given, key="once")
        again = await caller.post("/staff", given, key="once")
        assert made["password"]
        assert again == {**made, "password": None}
        place = f"/staff/{made['staff_id']}"
        assert (await caller.get(place))["role"] == "cashier"
        assert await caller.post(f"{place}/role", {"role": "clerk"}) == {"staff_id": made["staff_id"], "changed": True}
        assert (await caller.post(f"{place}/role", {"role": "clerk"}))["changed"] is False
        assert (await caller.post(f"{place}/password"))["password"] != made["password"]
        assert (await caller.post(f"{place}/disable"))["changed"] is True
        assert (await caller.post(f"{place}/disable"))["changed"] is False
        assert (await caller.post(f"{place}/enable"))["changed"] is True
        assert [one["login"] for one in (await caller.get("/staff"))["items"]] == [given["login"]]
        assert await caller.refused("/staff", given) == (409, "login_taken")
        assert await caller.refused(f"/staff/{uuid4()}/disable") == (404, "not_found")
        assert (await caller.refused("/staff", form(role="king")))[0] == 400
        assert await caller.refused("/staff", form(role="owner")) == (403, "owners_only")
        assert await caller.refused(f"{place}/role", {"role": "owner"}) == (403, "owners_only")
        headers = await caller.key("staff:read")
        assert (await caller.client.get("/api/v1/staff", headers=headers)).status_code == 200
        for path in ("/staff", *(f"{place}/{act}" for act in ACTS)):
            answer = await caller.client.post(f"/api/v1{path}", json=form(), headers=headers)
            assert answer.status_code == 403, path
        assert (await caller.client.get("/api/v1/staff", headers=await caller.key("orders:read"))).status_code == 403

    calling(work)


def test_nobody_reaches_another_merchants_people(room):
    async def work():
        async with room.unit() as unit:
            made = await hire(unit, HOME, **person())
        room.merchant_id = uuid4()
        async with room.unit() as unit:
            for act in (switch_off, switch_on, renew_password):
                with pytest.raises(NotFound):
                    await act(unit, HOME, made.staff_id)
            with pytest.raises(LoginTaken):
                await hire(unit, HOME, **person() | {"login": made.login})

    room.run(work)


def test_a_password_is_random_readable_and_in_no_log():
    made = {new_password() for _ in range(50)}
    assert len(made) == 50
    assert all(set(one) <= {*PASSWORD_LETTERS, "-"} and len(one) == 19 for one in made)
    assert "secret" not in repr(NewMember(staff_id=uuid4(), login="x", password="secret"))
