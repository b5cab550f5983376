"""Each law is caught when it is broken, and code that keeps it passes; then the tree itself is checked."""

from pathlib import Path

import pytest
from lawcheck.rules import RULES, check_text, check_tree

ROOT = Path(__file__).resolve().parents[3]
PAYMENTS = "src/hutong/payments/service.py"
LEDGER = "src/hutong/ledger/books.py"

# (rule, place, code that breaks it)
BROKEN = [
    ("money-no-float", PAYMENTS, "rate = 0.006\n"),
    ("money-no-float", LEDGER, "def share(total_fen: int, n: int) -> int:\n    return total_fen / n\n"),
    ("money-no-float", "src/hutong/core/money.py", "def f(text: str) -> object:\n    return float(text)\n"),
    ("money-no-float", "src/hutong/shops/prices.py", "def f(x: float) -> None: ...\n"),
    ("money-no-float", LEDGER, "total_fen = 3\ntotal_fen /= 2\n"),
    ("money-unit-in-name", PAYMENTS, "class Row(Struct):\n    amount: int\n"),
    ("money-unit-in-name", PAYMENTS, "class Row(Struct):\n    refunded: int | None = None\n"),
    ("money-unit-in-name", "src/hutong/web/api/orders.py", "def show(price: int) -> None: ...\n"),
    ("money-unit-in-name", LEDGER, "t = Table('t', M, Column('fee', BigInteger, nullable=False))\n"),
    ("clock-passed-in", PAYMENTS, "from datetime import UTC, datetime\nnow = datetime.now(UTC)\n"),
    ("clock-passed-in", PAYMENTS, "import datetime as dt\nnow = dt.datetime.utcnow()\n"),
    ("clock-passed-in", PAYMENTS, "import time\nnow = time.time()\n"),
    ("clock-passed-in", PAYMENTS, "from time import time\nnow = time()\n"),
    ("clock-passed-in", "src/hutong_sandbox/taobao/orders.py", "from datetime import date\nday = date.today()\n"),
    ("clock-passed-in", LEDGER, "from datetime import datetime\nat = datetime.fromtimestamp(5)\n"),
    ("state-compare-and-set", PAYMENTS, "s = update(payment).where(payment.c.id == 1).values(state='paid')\n"),
    ("state-compare-and-set", PAYMENTS, "s = update(payment).values({'status': 'paid'})\n"),
    ("state-compare-and-set", PAYMENTS, "q = text(\"UPDATE payment SET state = 'paid' WHERE merchant_id = :m\")\n"),
    ("state-compare-and-set", PAYMENTS, "q = f\"UPDATE payment SET status = '{word}'\"\n"),
    ("state-compare-and-set", PAYMENTS, "s = payment.update().values({payment.c.state: 'paid'})\n"),
    ("time-aware", PAYMENTS, "def f(at: datetime) -> datetime:\n    return at.replace(tzinfo=None)\n"),
    ("time-aware", PAYMENTS, "def f(text: str) -> datetime:\n    return datetime.fromisoformat(text)\n"),
    (
        "imports-in-sight",
        "src/hutong/links/x.py",
        "import importlib\nweb = importlib.import_module('hutong.web.app')\n",
    ),
    ("time-aware", "src/hutong/web/x.py", "at = datetime(2026, 1, 1)  # noqa: DTZ001\n"),
    ("money-no-float-shown", "src/hutong/web/x.py", "more = int(amount_minor * 1.5)\n"),
    ("imports-in-sight", "src/hutong/links/x.py", "web = __import__('hutong.web.app')\n"),
    (
        "money-no-float-shown",
        "src/hutong/web/x.py",
        "def f(amount_minor: int) -> int:\n    return int(float(amount_minor) * 2)\n",
    ),
    (
        "money-no-float-shown",
        "src/hutong/web/x.py",
        "def f(row: Row) -> str:\n    return f'{row.price_fen / 100:.2f}'\n",
    ),
    ("tenant-key-first", LEDGER, "t = Table('posting', M, Column('id', Uuid, primary_key=True))\n"),
    (
        "tenant-key-first",
        LEDGER,
        "t = Table('posting', M, Column('merchant_id', Uuid), PrimaryKeyConstraint('posting_id', 'merchant_id'))\n",
    ),
    ("tenant-key-first", LEDGER, "t = Table('posting', M, Column('merchant_id', Uuid))\n"),
    (
        "tenant-in-statement",
        PAYMENTS,
        "from sqlalchemy import select\nasync def f(unit):\n    return await unit.all(select(payment))\n",
    ),
    (
        "tenant-in-statement",
        PAYMENTS,
        "from sqlalchemy import delete as drop\nasync def f(unit):\n    await unit.run(drop(payment))\n",
    ),
    ("tenant-in-statement", PAYMENTS, "async def f(unit):\n    await unit.run(payment.delete())\n"),
    ("tenant-in-statement", LEDGER, "q = text('SELECT sum(amount_minor) FROM posting')\n"),
    ("tenant-in-statement", "src/hutong/web/api/x.py", "q = 'WITH a AS (SELECT 1 FROM posting) SELECT * FROM a'\n"),
    ("file-length", PAYMENTS, "x = 1\n" * 451),
    ("function-length", PAYMENTS, "def f() -> None:\n" + "    x = 1\n" * 70),
    ("named-limits", PAYMENTS, "import asyncio\nq = asyncio.Queue()\n"),
    ("named-limits", PAYMENTS, "def f() -> None:\n    while True:\n        work()\n"),
    ("named-limits", PAYMENTS, "for attempt in range(5):\n    work()\n"),
    ("limit-units", PAYMENTS, "LIMIT: Final = 200\n"),
]

BY_A_HELPER = """
from sqlalchemy import select
def mine(unit):
    return payment.c.merchant_id == unit.merchant_id
async def f(unit):
    return await unit.all(select(payment).where(mine(unit)))
"""

# (rule, place, code that looks alike and keeps it)
KEPT = [
    ("money-no-float", PAYMENTS, "POLL_S: Final = 0.5\ndef f(wait_s: float = 1.5) -> None: ...\n"),
    ("money-no-float", PAYMENTS, "class Report(Struct):\n    seconds: float\n"),
    ("money-no-float", PAYMENTS, "place = folder / 'orders.csv'\n"),
    ("money-no-float", LEDGER, "half_fen = total_fen // 2\n"),
    ("money-no-float", "src/hutong/transport/pacing.py", "wait = 0.25\n"),
    (
        "money-unit-in-name",
        PAYMENTS,
        "class Row(Struct):\n    amount_fen: int\n    refunded_minor: int\n    fee_bps: int\n",
    ),
    (
        "money-unit-in-name",
        PAYMENTS,
        "class Row(Struct):\n    amount: Money\n    paid_count: int\n    paid_at: datetime\n",
    ),
    ("clock-passed-in", "src/hutong/db/clock.py", "from datetime import UTC, datetime\nnow = datetime.now(UTC)\n"),
    ("clock-passed-in", PAYMENTS, "import time\nt = time.monotonic()\nnow = clock.now()\n"),
    ("time-aware", PAYMENTS, "at = datetime(2026, 1, 1, tzinfo=UTC)\nto = datetime(*parts, **zone)\n"),
    ("time-aware", PAYMENTS, "at = at.replace(tzinfo=UTC)\ntext = text.replace('a', 'b')\n"),
    (
        "time-aware",
        PAYMENTS,
        "def f(text):\n    at = datetime.fromisoformat(text)\n    return at if at.tzinfo else None\n",
    ),
    ("imports-in-sight", "src/hutong/cli/__init__.py", "m = import_module(name)\n"),
    ("money-no-float-shown", "src/hutong/web/x.py", "w_s = float(pace.seconds)\nhalf = width / 2\n"),
    ("tenant-in-statement", PAYMENTS, "def f(unit):\n    known.update(other)\n    seen.update(a=1)\n"),
    (
        "state-compare-and-set",
        PAYMENTS,
        "s = update(payment).where(payment.c.state == 'open').values(state='paid')\n",
    ),
    ("state-compare-and-set", PAYMENTS, "s = insert(payment).values(state='open')\n"),
    (
        "state-compare-and-set",
        PAYMENTS,
        "q = \"UPDATE payment SET state = 'paid' WHERE merchant_id = :m AND state = 'open'\"\n",
    ),
    (
        "tenant-key-first",
        LEDGER,
        "t = Table('posting', M, Column('merchant_id', Uuid), PrimaryKeyConstraint('merchant_id', 'posting_id'))\n",
    ),
    ("tenant-in-statement", PAYMENTS, BY_A_HELPER),
    ("tenant-in-statement", LEDGER, "q = 'SELECT sum(amount_minor) FROM posting WHERE merchant_id = :merchant_id'\n"),
    ("function-length", "src/hutong/migrations/versions/0001_x.py", "def f() -> None:\n" + "    x = 1\n" * 70),
    ("named-limits", PAYMENTS, "def f() -> None:\n    while True:  # ends at the last page\n        work()\n"),
    ("named-limits", PAYMENTS, "for attempt in range(ATTEMPTS_MAX):\n    work()\n"),
    ("limit-units", PAYMENTS, "PAGE_ROWS_MAX: Final = 200\n"),
]


@pytest.mark.parametrize(("rule", "place", "code"), BROKEN)
def test_a_planted_violation_is_caught(rule, place, code):
    assert rule in {finding.rule for finding in check_text(place, code)}


@pytest.mark.parametrize(("rule", "place", "code"), KEPT)
def test_lawful_code_that_looks_alike_passes(rule, place, code):
    assert rule not in {finding.rule for finding in check_text(place, code)}


def test_every_rule_has_a_planted_violation():
    assert {rule for rule, _, _ in BROKEN} == set(RULES)


def test_a_rule_is_set_aside_for_one_line_and_only_with_a_reason():
    broken = "a = 0.5\n"
    reasoned = "b = 0.5  # law: allow money-no-float because this is a share of the screen, not of money\n"
    bare = "c = 0.5  # law: allow money-no-float because\n"
    other = "d = 0.5  # law: allow file-length because the wrong rule is named here\n"
    above = "# law: allow money-no-float because this is a share of the screen, not of money\ne = 0.5\n"
    lines = [finding.line for finding in check_text(PAYMENTS, broken + reasoned + bare + other + above)]
    assert lines == [1, 3, 4]


def test_a_comment_behind_code_does_not_cover_the_next_line():
    code = "a = 0.5  # law: allow money-no-float because this is a share of the screen\nb = 0.5\n"
    assert [finding.line for finding in check_text(PAYMENTS, code)] == [2]


def test_the_tree_keeps_the_laws():
    findings = check_tree(ROOT)
    assert not findings, "\n" + "\n".join(map(str, findings))
