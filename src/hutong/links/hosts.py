"""A merchant's own hosts: added by name, proven by a file that only whoever runs the host can put there.

The proof is one line at ``PROOF_PATH`` on the host, over https and without a redirect. Whoever has shown it last stays
the only one on this hub until the proof is gone ``FAILURES_MAX`` times in a row.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, delete, func, select, update

from hutong.core.errors import ErrorText, HutongError, NotFound
from hutong.db.unit import Unit
from hutong.links.destinations import target_and_host
from hutong.links.guard_models import own_host
from hutong.links.guard_states import HOST, HostEvent, HostState
from hutong.links.host_names import HOST_CHARS_MAX, read_host, shown_host
from hutong.merchants.actors import Actor, write_down
from hutong.merchants.directory import OWN_HOST, register, withdraw
from hutong.merchants.tickets import Severity, TicketKind, close_tickets, open_ticket

#: The job that looks at a host again, and how long it waits.
CHECK_HOST: Final = "links.check_host"
CHECK_GAP: Final = timedelta(hours=6)
HOSTS_MAX: Final = 20
#: Checks in a row without a proof after which a host is lost: three quarters of a day, more than a server's bad night.
FAILURES_MAX: Final = 3
PROOF_PATH: Final = "/.well-known/hutong-host.txt"
PROOF_START: Final = "hutong-host="
TOKEN_BYTES: Final = 16
#: Why a check found no proof, besides what the line says (``transport.outward.Trouble``).
MISSING: Final = "missing"  # another status than 200
WRONG: Final = "wrong"  # something stands there, but not our line
TAKEN: Final = "taken"  # another merchant of this hub has proven the host


class TooManyHosts(HutongError):
    """A merchant has as many hosts as one may have."""

    code = "too_many_hosts"
    status = 409
    zh = ErrorText("自有网址最多 {most} 个。", "每个网址都要定期检查。", "请先移除不用的网址。")
    en = ErrorText("There can be {most} hosts at most.", "Each is looked at regularly.", "Remove one that is not used.")


class HostKnown(HutongError):
    """The host is on the merchant's list already."""

    code = "host_known"
    status = 409
    zh = ErrorText("网址“{host}”已经在列表里。", "同一个网址只需添加一次。", "在列表里找到它，按步骤完成证明。")
    en = ErrorText("“{host}” is on the list.", "A host is added once.", "Find it there and finish its proof.")


class HostNotVerified(HutongError):
    """Something needs a host that is proven."""

    code = "host_not_verified"
    status = 409
    zh = ErrorText("网址“{host}”还没有通过验证。", "只有证明是自己的网址，才能用来发链接。", "先完成证明，再选用它。")
    en = ErrorText("“{host}” is not verified.", "Links are written with a proven host only.", "Finish its proof first.")


class HostKey(msgspec.Struct, frozen=True):
    """Payload of the job."""

    host_id: UUID


class OwnHost(msgspec.Struct, frozen=True, kw_only=True):
    """``shown``: as people read it. ``proof_line`` must stand at ``proof_url``; ``trouble``: why it does not."""

    host_id: UUID
    host: str
    shown: str
    state: HostState
    proof_url: str
    proof_line: str
    failures: int
    trouble: str
    is_shown: bool
    created_at: datetime
    checked_at: datetime | None
    verified_at: datetime | None


async def add_host(unit: Unit, actor: Actor, name: str, *, trial: bool) -> OwnHost:
    """Begin to prove a host.

    Raises:
        HostRefused: no name, or one that looks like another's. HostKnown. TooManyHosts.
    """
    host = read_host(name, trial=trial)
    if await unit.scalar(select(func.count()).where(_mine(unit))) >= HOSTS_MAX:
        raise TooManyHosts(most=HOSTS_MAX)
    host_id = unit.new_id()
    fresh = await unit.insert_once(
        own_host,
        host_id=host_id,
        host=host,
        token=secrets.token_hex(TOKEN_BYTES),
        state=HostState.PENDING.value,
        created_at=unit.now(),
        changed_at=unit.now(),
    )
    if not fresh:
        raise HostKnown(host=host)
    unit.schedule(CHECK_HOST, HostKey(host_id), delay=CHECK_GAP, dedupe_key=host_id.hex)
    await write_down(unit, actor, "host.add", f"host:{host}")
    return await get_host(unit, host_id)


async def remove_host(unit: Unit, actor: Actor, host_id: UUID) -> None:
    """Take a host off the list: it is nobody's then, and pages on it are led to by no link.

    Raises:
        NotFound.
    """
    found = await get_host(unit, host_id)
    await unit.run(delete(own_host).where(_mine(unit), own_host.c.host_id == host_id))
    await withdraw(unit, OWN_HOST, found.host)
    await close_tickets(unit, TicketKind.HOST_LOST, found.host)
    unit.drop_jobs([(CHECK_HOST, host_id.hex)])
    await write_down(unit, actor, "host.remove", f"host:{found.host}")


async def show_host(unit: Unit, actor: Actor, host_id: UUID, *, shown: bool) -> None:
    """Write links with this host, or with the hub's own again.

    Raises:
        NotFound. HostNotVerified.
    """
    found = await get_host(unit, host_id)
    if shown and found.state is not HostState.VERIFIED:
        raise HostNotVerified(host=found.shown)
    chosen = own_host.c.host_id == host_id if shown else own_host.c.host_id.is_(None)
    await unit.run(update(own_host).where(_mine(unit)).values(is_shown=chosen, changed_at=unit.now()))
    await write_down(unit, actor, "host.show" if shown else "host.hide", f"host:{found.host}")


async def get_host(unit: Unit, host_id: UUID) -> OwnHost:
    """One host.

    Raises:
        NotFound: not this merchant's.
    """
    row = await unit.one(select(own_host).where(_mine(unit), own_host.c.host_id == host_id))
    if row is None:
        raise NotFound(what="host", key=str(host_id))
    return _view(row)


async def list_hosts(unit: Unit) -> tuple[OwnHost, ...]:
    """All hosts, oldest first."""
    rows = await unit.all(select(own_host).where(_mine(unit)).order_by(own_host.c.host_id).limit(HOSTS_MAX))
    return tuple(_view(row) for row in rows)


async def host_states(unit: Unit) -> dict[str, HostState]:
    """The merchant's hosts, proven or not."""
    rows = await unit.all(select(own_host.c.host, own_host.c.state).where(_mine(unit)).limit(HOSTS_MAX))
    return {row.host: HostState(row.state) for row in rows}


def leads_on(url: str | None, states: Mapping[str, HostState]) -> bool:
    """Whether a link with this address opens by itself: our desk, a known platform, or one of these hosts, proven."""
    _, host = target_and_host(url)
    return host is None or states.get(host) is HostState.VERIFIED


async def link_base(unit: Unit, public_url: str) -> str:
    """What stands before ``/l/CODE`` where a link is shown: the chosen own host, else the hub's address."""
    chosen = select(own_host.c.host).where(
        _mine(unit), own_host.c.is_shown, own_host.c.state == HostState.VERIFIED.value
    )
    host = await unit.scalar(chosen.limit(1))
    return public_url if host is None else _root(host)


async def page_base(unit: Unit, name: str, public_url: str) -> str:
    """What stands before the path of a page that is open under a name: a proven host, else the hub's address."""
    is_own = (await host_states(unit)).get(name.lower()) is HostState.VERIFIED
    return _root(name.lower()) if is_own else public_url


async def settle_check(unit: Unit, host_id: UUID, trouble: str) -> OwnHost | None:
    """A check is over: the proof was there (no ``trouble``) or not. None where the host was removed meanwhile."""
    row = await unit.one(select(own_host).where(_mine(unit), own_host.c.host_id == host_id).with_for_update())
    if row is None:
        return None
    here = {"host_id": host_id}
    state = HostState(row.state)
    if not trouble and state is not HostState.VERIFIED and not await register(unit, OWN_HOST, row.host, host_id):
        trouble = TAKEN
    failures = min(row.failures + 1, FAILURES_MAX) if trouble else 0
    values = {"failures": failures, "trouble": trouble, "checked_at": unit.now()}
    await unit.run(update(own_host).where(_mine(unit), own_host.c.host_id == host_id).values(**values))
    if not trouble and state is not HostState.VERIFIED:
        await unit.transition(own_host, here, HOST, HostEvent.PROVE, verified_at=unit.now(), changed_at=unit.now())
        await close_tickets(unit, TicketKind.HOST_LOST, row.host)
    elif trouble and state is HostState.VERIFIED and failures >= FAILURES_MAX:
        await _lose(unit, row)
    return await get_host(unit, host_id)


async def _lose(unit: Unit, row: Row[Any]) -> None:
    await unit.transition(own_host, {"host_id": row.host_id}, HOST, HostEvent.LOSE, changed_at=unit.now())
    await withdraw(unit, OWN_HOST, row.host)
    await open_ticket(
        unit,
        TicketKind.HOST_LOST,
        Severity.URGENT,
        subject=("host", row.host),
        details={"host": shown_host(row.host)},
        dedupe_key=f"{row.host_id.hex}:{unit.now():%Y%m%dT%H%M%S}",
    )


def _mine(unit: Unit) -> Any:  # noqa: ANN401 (SQLAlchemy's own type of a condition)
    return own_host.c.merchant_id == unit.merchant_id


def _root(host: str) -> str:
    """A host's address; with a port it is this machine, in a trial."""
    return f"{'http' if ':' in host else 'https'}://{host}"


def _view(row: Row[Any]) -> OwnHost:
    return OwnHost(
        host_id=row.host_id,
        host=row.host,
        shown=row.host if len(row.host) > HOST_CHARS_MAX else shown_host(row.host),
        state=HostState(row.state),
        proof_url=f"{_root(row.host)}{PROOF_PATH}",
        proof_line=f"{PROOF_START}{row.token}",
        failures=row.failures,
        trouble=row.trouble,
        is_shown=row.is_shown,
        created_at=row.created_at,
        checked_at=row.checked_at,
        verified_at=row.verified_at,
    )
