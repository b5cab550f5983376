"""Somebody's own password: changed by whoever knows the present one, whatever their role."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from hutong.core.errors import ErrorText, InvalidInput, Unauthorized
from hutong.db.unit import Unit
from hutong.merchants.actors import staff_actor, write_down
from hutong.merchants.models import staff
from hutong.merchants.staff import (
    PASSWORD_CHARS_MAX,
    PASSWORD_CHARS_MIN,
    Session,
    find_session,
    is_password,
    set_password,
)
from hutong.merchants.staffing import StaffAct

_UNFIT_STATUS: Final = 422


class PasswordWrong(InvalidInput):
    """The present password was not the one that was typed."""

    code = "password_wrong"
    status = _UNFIT_STATUS
    zh = ErrorText(
        "现在的密码不对。",
        "填的不是您登录用的密码，密码没有改。",
        "请再输一次，留意大小写。忘记了就请店主重设；店主自己忘了，可以在服务器上重设。",
    )
    en = ErrorText(
        "The present password is wrong.",
        "It is not the one that you sign in with; nothing was changed.",
        "Type it again and mind capitals. If you forgot it, let an owner replace it; "
        "an owner who forgot it replaces it on the server.",
    )


class PasswordUnfit(InvalidInput):
    """A new password is too short or too long."""

    code = "password_unfit"
    status = _UNFIT_STATUS
    zh = ErrorText(
        "新密码不能用。",
        "新密码要 {least} 到 {most} 个字。",
        "请换一个，例如用几个不相干的词连起来。",
    )
    en = ErrorText(
        "The new password cannot be used.",
        "A password has {least} to {most} characters.",
        "Choose another one, for example a few words that have nothing to do with each other.",
    )


class PasswordSame(InvalidInput):
    """The new password is the old one."""

    code = "password_same"
    status = _UNFIT_STATUS
    zh = ErrorText("新密码和现在的一样。", "一样就等于没有改。", "请另外想一个新密码。")
    en = ErrorText(
        "The new password is the present one.", "With the same one nothing would change.", "Choose a different one."
    )


class PasswordsDiffer(InvalidInput):
    """The new password was typed in two ways."""

    code = "passwords_differ"
    status = _UNFIT_STATUS
    zh = ErrorText("两次输入的新密码不一样。", "其中一次可能打错了。", "请把新密码再输两次。")
    en = ErrorText(
        "The two new passwords differ.", "One of them may be a slip.", "Type the new password twice once more."
    )


def require_fit(present: str, new: str, again: str) -> None:
    """What can be said of a change without knowing the present password, so that it tells nothing about it.

    Raises:
        PasswordUnfit, PasswordsDiffer, PasswordSame.
    """
    if not PASSWORD_CHARS_MIN <= len(new) <= PASSWORD_CHARS_MAX:
        raise PasswordUnfit(least=PASSWORD_CHARS_MIN, most=PASSWORD_CHARS_MAX)
    if new != again:
        raise PasswordsDiffer
    if new == present[:PASSWORD_CHARS_MAX]:  # no more of a password is looked at
        raise PasswordSame


async def change_password(unit: Unit, session: Session, cookie: str, *, present: str, new: str) -> None:
    """Another password for whoever is signed in by ``cookie``; every other session of theirs ends.

    The row is held from the look at the present password until the end: whoever signs in or is given another password
    comes before or after. The caller has asked ``require_fit`` and counts wrong tries.

    Raises:
        Unauthorized: switched off or signed out since the request began.
        PasswordWrong: ``present`` is another one.
        InvalidInput: ``new`` is too short or too long.
    """
    row = await unit.one(
        select(staff.c.password_hash)
        .where(staff.c.merchant_id == unit.merchant_id, staff.c.staff_id == session.staff_id)
        .with_for_update()
    )
    still_in = await find_session(unit, cookie)
    if row is None or still_in is None or still_in.staff_id != session.staff_id:
        raise Unauthorized
    if not is_password(row.password_hash, present):
        raise PasswordWrong
    await set_password(unit, session.staff_id, new, but_cookie=cookie)
    await write_down(unit, staff_actor(session), StaffAct.PASSWORD.value, f"staff:{session.staff_id}")
