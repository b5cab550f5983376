"""What the staff pages show."""

from __future__ import annotations

from hutong.core.errors import ErrorText
from hutong.merchants.staff import Role
from hutong.merchants.staffing import Act, Member, NewMember
from hutong.web.console.views import View

#: From the one who may least.
ROLES_OFFERED = (Role.CASHIER, Role.CLERK, Role.MANAGER, Role.OWNER)


class StaffView(View, frozen=True, kw_only=True):
    """Everybody, and the form for one more: ``login``, ``name`` and ``role`` are what was typed before a refusal."""

    members: tuple[Member, ...]
    roles: tuple[Role, ...] = ROLES_OFFERED
    login: str = ""
    name: str = ""
    role: str = Role.CASHIER.value
    refusal: ErrorText | None = None


class MemberView(View, frozen=True, kw_only=True):
    """One person. ``made``: a password that is told this once; ``role``: what is chosen in the form."""

    member: Member
    is_self: bool
    acts: tuple[Act, ...]
    staff: dict[str, str]  # names of people by how they are written down
    role: str
    sign_in_at: str  # address
    roles: tuple[Role, ...] = ROLES_OFFERED
    made: NewMember | None = None
    is_new: bool = False
    refusal: ErrorText | None = None
