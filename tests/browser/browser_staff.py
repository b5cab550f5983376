"""Sample content of the staff pages."""

from __future__ import annotations

from datetime import timedelta

from browser_samples import NOW, SETTINGS, STAFF, uid
from msgspec import structs

from hutong.merchants.own_password import PasswordWrong
from hutong.merchants.staff import LoginTaken
from hutong.merchants.staffing import Act, LastOwner, NewMember, StaffAct
from hutong.web.console.staff_views import MemberView, StaffView
from hutong.web.console.views import SettingsView
from hutong.web.errors import text_for
from hutong.web.i18n import Catalogues, Locale

#: No password of anybody.
SHOWN = "sample-sample-sample"
STAFF_PAGE = StaffView(members=STAFF)
ACTS = tuple(
    Act(actor=actor, action=act.value, happened_at=NOW - timedelta(days=number))
    for number, (act, actor) in enumerate(
        [
            (StaffAct.SIGN_IN, f"staff:{uid(2)}"),
            (StaffAct.ENABLE, f"staff:{uid(1)}"),
            (StaffAct.DISABLE, f"staff:{uid(1)}"),
            (StaffAct.PASSWORD, "home"),
            (StaffAct.ROLE, "key:1"),
            (StaffAct.ADD, f"staff:{uid(1)}"),
        ]
    )
)
MEMBER = MemberView(
    member=STAFF[1],
    is_self=False,
    acts=ACTS,
    staff={f"staff:{one.staff_id}": one.name for one in STAFF},
    role="cashier",
    sign_in_at="https://shop.example.cn/login",
)
MADE = structs.replace(
    MEMBER, acts=ACTS[-1:], is_new=True, made=NewMember(staff_id=uid(2), login="wang.fang", password=SHOWN)
)
GONE = structs.replace(MEMBER, member=STAFF[3], role="clerk", acts=())


def refused(locale: Locale) -> MemberView:
    text = text_for(LastOwner(name="Li Ming" if locale == "en" else "李明"), locale, Catalogues())
    return structs.replace(MEMBER, member=STAFF[0], is_self=True, role="clerk", refusal=text)


def add_refused(locale: Locale) -> StaffView:
    """The form keeps what was typed."""
    text = text_for(LoginTaken(login="wang.fang"), locale, Catalogues())
    return structs.replace(STAFF_PAGE, name="王小芳", login="wang.fang", role="clerk", refusal=text)


def password_refused(locale: Locale) -> SettingsView:
    """What a cashier sees, who sees no staff; the reason stands at the form."""
    return structs.replace(SETTINGS, staff=(), refusal=text_for(PasswordWrong(), locale, Catalogues()))


STAFF_GALLERY = {
    "staff": ("/settings/staff", "console/staff.html", STAFF_PAGE),
    "staff-refused": ("/settings/staff", "console/staff.html", add_refused),
    "staff-member": ("/settings/staff", "console/staff_member.html", MEMBER),
    "staff-made": ("/settings/staff", "console/staff_member.html", MADE),
    "staff-gone": ("/settings/staff", "console/staff_member.html", GONE),
    "staff-last-owner": ("/settings/staff", "console/staff_member.html", refused),
    "settings-changed": ("/settings", "console/settings.html", structs.replace(SETTINGS, is_changed=True)),
    "settings-refused": ("/settings/password", "console/settings.html", password_refused),
}
