"""What a connector calls judged rests on checks that judges run, and on nothing else."""

from __future__ import annotations

import inspect

import msgspec
import pytest
from judges_roster import CHECKS, PLATFORMS, SDKS, SIGNERS, STANDARD_WEBHOOKS

from hutong.platforms.contract import CAPABILITIES, OPERATIONS, Connector
from hutong.platforms.registry import Registry

CONNECTORS = {connector.name: connector for connector in Registry.from_entry_points().all()}
#: What a judge agrees on: client/check -> platform.
AGREED = {
    f"{SDKS[judge].replace('_', '-')}/{check}": PLATFORMS.get(judge, judge)
    for judge, checks in CHECKS.items()
    for check in checks
}
#: Asynchronous, but nothing is said to the platform that a sale hangs on: keys are fetched for the first notice.
NOT_COUNTED = {("callbacks", "prepare")}


@pytest.mark.parametrize("name", CONNECTORS)
def test_what_is_called_judged_rests_on_a_judges_check(name):
    """``test_judge_agrees`` runs every check of the roster and fails where a judge does not agree."""
    named = {check for checks in CONNECTORS[name].judged_by.values() for check in checks}
    assert {check: AGREED.get(check) for check in named} == dict.fromkeys(named, name)


def test_every_judge_has_checks_and_a_say():
    platforms = {name: client for name, client in SDKS.items() if name != STANDARD_WEBHOOKS}  # no platform's judge
    assert set(CHECKS) == set(platforms)
    used = {
        check.partition("/")[0]
        for each in CONNECTORS.values()
        for checks in each.judged_by.values()
        for check in checks
    }
    assert used == {client.replace("_", "-") for name, client in platforms.items() if name not in SIGNERS}


def test_operations_are_all_that_a_capability_says_to_a_platform():
    hints = msgspec.structs.fields(Connector)
    assert set(OPERATIONS) == set(CAPABILITIES)
    for field in hints:
        if field.name not in CAPABILITIES or field.name in {"callbacks", "order_files"}:
            continue
        (protocol,) = [kind for kind in field.type.__args__ if kind is not type(None)]
        spoken = {name for name, method in inspect.getmembers(protocol, inspect.iscoroutinefunction)}
        assert set(OPERATIONS[field.name]) == spoken - {name for _, name in NOT_COUNTED}, field.name
