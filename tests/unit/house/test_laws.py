"""Each law is caught when it is broken, and code that keeps it passes; then the tree itself is checked."""

from pathlib import Path

import pytest
from lawcheck.rules import RULES, check_text, check_tree

ROOT = Path(__file__).resolve().parents[3]
STATE = "state-compare-and-set"
PAYMENTS = "src/hutong/payments/service.py"
LEDGER = "src/hutong/ledger/books.py"
WEB = "src/hutong/web/x.py"
SANDBOX = "src/hutong_sandbox/taobao/orders.py"
MIGRATION = "src/hutong/migrations/versions/0001_x.py"

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
    (STATE, PAYMENTS, "s = update(payment).where(payment.c.id == 1).values(state='paid')\n"),
    (STATE, PAYMENTS, "s = update(payment).values({'status': 'paid'})\n"),
    (STATE, PAYMENTS, "q = text(\"UPDATE payment SET state = 'paid' WHERE merchant_id = :m\")\n"),
    (STATE, PAYMENTS, "q = f\"UPDATE payment SET status = '{word}'\"\n"),
    (STATE, PAYMENTS, "s = payment.update().values({payment.c.state: 'paid'})\n"),
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

#: The same laws broken in other words: each was written by a reader who looked for a way around the rules.
IN_OTHER_WORDS = [
    ("money-no-float-shown", WEB, "price_fen *= 1.06\n"),
    ("money-no-float-shown", WEB, "fee = price_fen * -0.01\n"),
    ("money-no-float-shown", WEB, "yuan = row['price_fen'] / 100\n"),
    ("money-no-float-shown", WEB, "fee = row['price_fen'] * 0.01\n"),
    ("money-no-float-shown", WEB, "pieces = 100 / price_fen\n"),
    ("money-no-float-shown", WEB, "RATE = 0.06\ndef f(price_fen):\n    return price_fen * RATE\n"),
    ("money-no-float-shown", WEB, "RATE = 6 / 100\ndef f(price_fen):\n    return price_fen * (1 + RATE)\n"),
    ("money-no-float-shown", WEB, "def f(price_fen: int, rate: float) -> int:\n    return round(price_fen * rate)\n"),
    ("money-no-float-shown", WEB, "def f(price_fen, rate=0.06):\n    return price_fen * rate\n"),
    (
        "money-no-float-shown",
        WEB,
        "class A:\n    RATE = 0.06\n    def f(self, price_fen):\n        return price_fen * self.RATE\n",
    ),
    ("money-no-float-shown", WEB, "fee = float(rate) * price_fen\n"),
    ("money-no-float-shown", WEB, "yuan = price_fen * 10 ** -2\n"),
    ("money-no-float-shown", WEB, "import operator\nyuan = operator.truediv(price_fen, 100)\n"),
    ("money-no-float-shown", WEB, "from operator import truediv as over\nyuan = over(price_fen, 100)\n"),
    ("money-no-float-shown", WEB, "import statistics\nm = statistics.mean([row.price_fen for row in rows])\n"),
    ("money-no-float-shown", WEB, "import math\ns = math.fsum(row['amount_minor'] for row in rows)\n"),
    ("money-no-float", PAYMENTS, "import operator\nyuan = operator.truediv(price_fen, 100)\n"),
    ("money-no-float", PAYMENTS, "from statistics import mean\nm = mean(prices)\n"),
    ("money-no-float", PAYMENTS, "yuan = price_fen * 10 ** -2\n"),
    ("clock-passed-in", PAYMENTS, "from datetime import datetime\nat = field(default_factory=datetime.utcnow)\n"),
    ("clock-passed-in", PAYMENTS, "from datetime import datetime\nnow = datetime.now\n"),
    ("clock-passed-in", PAYMENTS, "from datetime import datetime as dt\nat = dt.now(UTC)\n"),
    ("clock-passed-in", SANDBOX, "import time\nclock = time.time\n"),
    ("clock-passed-in", PAYMENTS, "import time\ntext = time.ctime()\n"),
    ("clock-passed-in", PAYMENTS, "import time\nnow = time.clock_gettime(time.CLOCK_REALTIME)\n"),
    ("clock-passed-in", PAYMENTS, "from sqlalchemy import func\ns = select(t).where(t.c.due_at < func.now())\n"),
    ("clock-passed-in", PAYMENTS, "import sqlalchemy as sa\nat = sa.func.current_timestamp()\n"),
    ("clock-passed-in", MIGRATION, "import sqlalchemy as sa\nc = sa.Column('at', server_default=sa.text('now()'))\n"),
    ("clock-passed-in", PAYMENTS, "q = text('SELECT 1 FROM t WHERE merchant_id = :m AND due_at < now()')\n"),
    ("clock-passed-in", PAYMENTS, "q = 'UPDATE t SET at = current_timestamp WHERE merchant_id = :m'\n"),
    ("time-aware", PAYMENTS, "from datetime import datetime, time\nat = datetime.combine(day, time())\n"),
    ("time-aware", PAYMENTS, "import datetime as dt\nat = dt.datetime.combine(day, dt.time(8, 30))\n"),
    ("time-aware", PAYMENTS, "times = map(datetime.fromisoformat, texts)\n"),
    ("time-aware", PAYMENTS, "at = datetime.fromordinal(days)\n"),
    ("time-aware", PAYMENTS, "at = datetime.fromisocalendar(2026, 1, 1)\n"),
    ("time-aware", PAYMENTS, "from datetime import datetime as dt\nat = dt(2026, 1, 1)\n"),
    ("tenant-in-statement", PAYMENTS, "import sqlalchemy as sa\nq = sa.select(payment)\n"),
    ("tenant-in-statement", PAYMENTS, "import sqlalchemy\nq = sqlalchemy.update(payment)\n"),
    ("tenant-in-statement", PAYMENTS, "from sqlalchemy import insert\nq = insert(payment).values(note='')\n"),
    ("tenant-in-statement", PAYMENTS, "from sqlalchemy.dialects import postgresql as pg\nq = pg.insert(payment)\n"),
    ("tenant-in-statement", PAYMENTS, "q = payment.insert().values(note='')\n"),
    ("tenant-in-statement", LEDGER, "q = 'UPDATE posting p SET note = 1'\n"),
    ("tenant-in-statement", LEDGER, "q = 'UPDATE ledger.posting AS p SET note = 1'\n"),
    ("tenant-in-statement", LEDGER, "q = 'UPDATE ONLY posting SET note = 1'\n"),
    ("tenant-in-statement", LEDGER, "q = 'TRUNCATE posting'\n"),
    ("tenant-in-statement", LEDGER, "q = 'truncate table posting cascade'\n"),
    ("tenant-in-statement", LEDGER, "q = 'TABLE posting'\n"),
    ("tenant-in-statement", LEDGER, "q = 'MERGE INTO posting USING given ON true WHEN MATCHED THEN DELETE'\n"),
    ("tenant-in-statement", LEDGER, "q = '(SELECT 1 FROM posting) UNION (SELECT 2 FROM account)'\n"),
    ("tenant-in-statement", LEDGER, "q = '/* all of them */ SELECT 1 FROM posting'\n"),
    ("tenant-in-statement", LEDGER, "q = '-- merchant_id\\nSELECT 1 FROM posting'\n"),
    ("tenant-in-statement", LEDGER, "q = 'SELECT ' + columns + ' FROM posting'\n"),
    ("tenant-in-statement", LEDGER, "q = hint + 'SELECT 1 FROM posting'\n"),
    ("tenant-in-statement", LEDGER, "HEAD = 'SELECT sum(x)'\nq = f'{HEAD} FROM posting'\n"),
    ("tenant-in-statement", LEDGER, "q = ' '.join(['SELECT 1', 'FROM posting'])\n"),
    ("tenant-in-statement", LEDGER, "q = 'EXPLAIN (ANALYZE) SELECT 1 FROM posting'\n"),
    ("tenant-in-statement", LEDGER, "q = 'COPY posting TO STDOUT'\n"),
    ("tenant-in-statement", LEDGER, "q = f'UPDATE {table} SET note = 1'\n"),
    (STATE, PAYMENTS, "from sqlalchemy import update as u\ns = u(payment).values(state='paid')\n"),
    (STATE, PAYMENTS, "import sqlalchemy as sa\ns = sa.update(payment).values(state='paid')\n"),
    (STATE, PAYMENTS, "def f():\n    s = update(payment)\n    return s.values(state='paid')\n"),
    (STATE, PAYMENTS, "s = update(payment)\ns = s.where(mine)\ns = s.values(state='paid')\n"),
    (STATE, PAYMENTS, "s = update(payment).values(**{'state': 'paid'})\n"),
    (STATE, PAYMENTS, "s = update(payment).values({'state': 'paid'})\n"),
    (STATE, PAYMENTS, "new = {'at': at, 'state': 'paid'}\ns = update(payment).values(new)\n"),
    (STATE, PAYMENTS, "new = dict(state='paid')\ns = update(payment).values(**new)\n"),
    (STATE, PAYMENTS, "s = update(payment).values({payment.c['state']: 'paid'})\n"),
    (STATE, PAYMENTS, "s = update(payment).ordered_values(('state', 'paid'))\n"),
    (STATE, PAYMENTS, "s = upsert(payment).on_conflict_do_update(index_elements=key, set_={'state': 'paid'})\n"),
    (STATE, PAYMENTS, "new = {'state': 'paid'}\ns = upsert(payment).on_conflict_do_update(set_=new)\n"),
    (
        STATE,
        PAYMENTS,
        "q = 'INSERT INTO payment AS p VALUES (1) ON CONFLICT (id) DO UPDATE SET state = excluded.state'\n",
    ),
    (STATE, PAYMENTS, "q = \"UPDATE payment SET (state, note) = ('paid', '')\"\n"),
    (STATE, PAYMENTS, "q = 'UPDATE payment SET note = 1, \"state\" = 2 WHERE id = 1'\n"),
    (STATE, PAYMENTS, "q = \"UPDATE payment SET state = 'paid' WHERE id = 1 RETURNING state\"\n"),
    (STATE, PAYMENTS, "q = 'UPDATE payment SET note = (SELECT 1 FROM t WHERE a), state = 2 WHERE id = 1'\n"),
    (STATE, PAYMENTS, "q = 'UPDATE payment SET state = 2' + ' WHERE id = 1'\n"),
    (
        STATE,
        PAYMENTS,
        "q = 'UPDATE p SET a = (SELECT 1), state = 2 WHERE id = 1 AND b = (SELECT 2) RETURNING p.state'\n",
    ),
    (STATE, PAYMENTS, "async def f(unit):\n    await unit.run(update(payment), {'state': 'paid'})\n"),
    (STATE, PAYMENTS, "async def f(unit):\n    s = payment.update()\n    await unit.run(s, [{'state': 'paid'}])\n"),
    (STATE, PAYMENTS, "def f(row):\n    row.state = 'paid'\n"),
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
        STATE,
        PAYMENTS,
        "s = update(payment).where(payment.c.state == 'open').values(state='paid')\n",
    ),
    (STATE, PAYMENTS, "s = insert(payment).values(state='open')\n"),
    (
        STATE,
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
    ("money-no-float", PAYMENTS, "step = Decimal(10) ** -2\n"),
    ("money-no-float-shown", WEB, "import statistics\nm = statistics.mean(pauses)\nprice_fen = price_fen * 2\n"),
    ("money-no-float-shown", WEB, "def f(price_fen, n):\n    n = n * 2\n    return price_fen * n\n"),
    ("clock-passed-in", PAYMENTS, "import datetime\nmidnight = datetime.time(0)\nnow = unit.now\n"),
    ("clock-passed-in", PAYMENTS, "from sqlalchemy import func\nn = func.count(), func.nowhere()\n"),
    ("clock-passed-in", PAYMENTS, "q = 'UPDATE t SET at = :now WHERE merchant_id = :m AND known() = 1'\n"),
    (
        "time-aware",
        PAYMENTS,
        "at = datetime.combine(day, time(), zone)\nto = datetime.combine(day, time(tzinfo=UTC))\n",
    ),
    ("time-aware", PAYMENTS, "at = datetime.fromordinal(n).replace(tzinfo=UTC)\nday = date.fromordinal(n)\n"),
    ("tenant-in-statement", LEDGER, "q = 'SELECT 1 ' + 'FROM posting ' + 'WHERE merchant_id = :m'\n"),
    ("tenant-in-statement", LEDGER, "MINE = 'p.merchant_id = :m'\nq = f'SELECT 1 FROM posting p WHERE {MINE}'\n"),
    ("tenant-in-statement", LEDGER, "q = ' '.join(('DELETE FROM posting', 'WHERE merchant_id = :m'))\n"),
    ("tenant-in-statement", LEDGER, "a = 'Copy this to x'\nb = 'Explain it'\nc = ', '.join(['a', 'b'])\n"),
    ("tenant-in-statement", LEDGER, "a = 'Table of prices'\nb = 'truncate the text'\nc = 'TABLE'\n"),
    ("tenant-in-statement", PAYMENTS, "names.insert(0, name)\nparts = urlsplit(text).select\n"),
    (STATE, PAYMENTS, "s = update(payment)\ns = s.where(payment.c.state == 'open')\ns = s.values(state='paid')\n"),
    (STATE, PAYMENTS, "s = update(payment).values(state='paid')\ns = s.where(payment.c['state'] == 'open')\n"),
    (STATE, PAYMENTS, "s = update(payment)\ns = insert(payment).values(state='open')\n"),
    (STATE, PAYMENTS, "async def f(unit):\n    await unit.all(select(payment), {'state': 'paid'})\n"),
    (STATE, PAYMENTS, "new = {**new, 'note': 1}\ns = update(payment).values(new)\n"),
    (STATE, PAYMENTS, "s = upsert(t).on_conflict_do_update(set_={'state': 'b'}, where=t.c.state == 'a')\n"),
    (STATE, PAYMENTS, "q = 'UPDATE p SET note = (SELECT 1 FROM t WHERE state = 2), b = (c = 1) WHERE id = 1'\n"),
    (STATE, PAYMENTS, "q = 'UPDATE p SET note = CASE WHEN state = 1 THEN 2 ELSE 3 END WHERE id = 1'\n"),
    (STATE, PAYMENTS, "q = 'UPDATE p SET (state, b) = (1, 2) FROM g WHERE p.id = g.id AND p.state = 0 RETURNING b'\n"),
    (
        STATE,
        PAYMENTS,
        "q = 'SELECT 1 FROM p FOR UPDATE'\nclass Circuit:\n    def f(self):\n        self.state = 'open'\n",
    ),
]


@pytest.mark.parametrize(("rule", "place", "code"), [*BROKEN, *IN_OTHER_WORDS])
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
