"""Whether the walls between merchants stand: row-level security of every table, and roles that cannot step round it.

Asked when the hub starts, and by the doctor: migrations put it up, an administrator's hand may have taken it down.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from hutong.db.checks import Breach
from hutong.db.refusals import WallsDown
from hutong.db.roles import ROLES, role_name
from hutong.db.tables import METADATA, UNPROTECTED_TABLES

#: What PostgreSQL makes of ``tenancy.protect``: only the rows of the transaction's merchant.
OWN_ROWS: Final = "(merchant_id = (NULLIF(current_setting('app.merchant_id'::text, true), ''::text))::uuid)"
TENANT_ROLES: Final = "{hutong_app,hutong_owner}"

_TABLES: Final = text(
    "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')"
)
#: Policies that open rows to those who serve merchants; the system and ingest roles have their own.
_POLICIES: Final = text(
    "SELECT tablename, policyname, permissive, array_to_string(roles, ',') AS roles, cmd, qual, with_check "
    "FROM pg_policies WHERE schemaname = 'public' AND roles && '{public,hutong_app,hutong_owner}'::name[]"
)
_ROLES: Final = text(
    "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = ANY(CAST(:names AS text[])) "
    "AND (rolsuper OR rolbypassrls)"
)


async def breaches_of_walls(connection: AsyncConnection) -> list[Breach]:
    """What stands open, for any role that asks: the catalogue may be read by all."""
    return [*await _open_tables(connection), *await _strange_policies(connection), *await _mighty_roles(connection)]


async def refuse_open_walls(connection: AsyncConnection) -> None:
    """Do not serve merchants whose rows others might see.

    Raises:
        WallsDown: names what stands open.
    """
    found = await breaches_of_walls(connection)
    if found:
        first = found[0]
        raise WallsDown(subject=first.subject, problem=first.detail, count=len(found))


def protected_tables() -> list[str]:
    """Every table that holds merchants' rows."""
    return sorted(name for name in METADATA.tables if name not in UNPROTECTED_TABLES)


async def _open_tables(connection: AsyncConnection) -> list[Breach]:
    known = {row.relname: row for row in await connection.execute(_TABLES)}
    found = []
    for name in protected_tables():
        row = known.get(name)
        if row is None:
            found.append(Breach("tenancy.rows_are_walled", name, "the table is missing"))
        elif not row.relrowsecurity:
            found.append(Breach("tenancy.rows_are_walled", name, "row-level security is off"))
        elif not row.relforcerowsecurity:
            found.append(Breach("tenancy.rows_are_walled", name, "row-level security is not forced on the owner"))
    return found


async def _strange_policies(connection: AsyncConnection) -> list[Breach]:
    policies = (await connection.execute(_POLICIES)).all()
    walled = {row.tablename for row in policies if _is_tenant(row)}
    missing = [
        Breach("tenancy.policy_is_ours", name, "its tenant policy is missing or another")
        for name in protected_tables()
        if name not in walled
    ]
    further = [
        Breach("tenancy.policy_is_ours", row.tablename, f"policy {row.policyname} opens rows to {row.roles}")
        for row in policies
        if row.tablename in METADATA.tables and row.policyname != "tenant" and row.permissive == "PERMISSIVE"
    ]
    return missing + further


def _is_tenant(row: Any) -> bool:  # noqa: ANN401 (a row)
    roles = "{" + ",".join(sorted(row.roles.split(","))) + "}"
    return (row.policyname, roles, row.cmd, row.qual, row.with_check) == (
        "tenant",
        TENANT_ROLES,
        "ALL",
        OWN_ROWS,
        OWN_ROWS,
    )


async def _mighty_roles(connection: AsyncConnection) -> list[Breach]:
    rows = await connection.execute(_ROLES, {"names": [role_name(role) for role in ROLES]})
    return [
        Breach("tenancy.role_is_bound", row.rolname, "SUPERUSER" if row.rolsuper else "BYPASSRLS") for row in rows.all()
    ]
