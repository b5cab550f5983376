"""Money is an integer of minor units: no float comes near it, and a bare integer says its unit in its name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final, TypeGuard

from lawcheck.source import Source, dotted, string_of

#: Rooms that reckon with money. Elsewhere a fraction of a second is a fraction of a second.
MONEY_ROOMS: Final = frozenset(
    {"ledger", "payments", "shops", "customers", "workflows", "connectors", "live", "merchants", "analytics"}
)
MONEY_FILES: Final = ("src/hutong/core/money.py", "src/hutong/core/split.py", "src/hutong_sandbox/books.py")
MONEY_WORDS: Final = frozenset(
    {
        "amount", "amounts", "balance", "commission", "cost", "discount", "fee", "fees", "freight", "gross", "net",
        "paid", "payable", "payout", "price", "prices", "refunded", "revenue", "turnover", "yuan",
    }
)  # fmt: skip
#: Last words that say an integer is minor units, or no money at all.
UNITS: Final = frozenset(
    {"fen", "minor", "bps", "count", "counts", "no", "id", "ids", "at", "digits", "rows", "orders", "max", "min", "s"}
)
#: What answers with a float though it is given integers.
FLOAT_MAKERS: Final = frozenset(
    {
        "math.fsum", "math.sqrt", "operator.itruediv", "operator.truediv", "statistics.fmean", "statistics.mean",
        "statistics.geometric_mean", "statistics.harmonic_mean", "statistics.median", "statistics.pstdev",
        "statistics.quantiles", "statistics.stdev",
    }
)  # fmt: skip
TIME_UNITS: Final = ("_s", "_ms", "_seconds", "_hours", "_days", "_ratio", "_share", "_factor")


def reckons_with_money(source: Source) -> bool:
    """Whether a file stands where sums of money are made."""
    return source.room() in MONEY_ROOMS or source.place in MONEY_FILES


def no_float(source: Source) -> Iterator[tuple[int, str]]:
    """No float literal, no ``float``, no true division where money is reckoned; seconds and ratios say so by name."""
    if not reckons_with_money(source):
        return
    for node in source.nodes:
        if isinstance(node, ast.Constant) and type(node.value) is float and not _is_of_time(source, node):
            yield node.lineno, f"the float {node.value} in money code; use integers of minor units or Decimal text"
        elif isinstance(node, ast.Name) and node.id == "float" and not _is_of_time(source, node):
            yield node.lineno, "float in money code; use integers of minor units or Decimal"
        elif _divides(node) and not _is_of_time(source, node):
            yield node.lineno, "true division in money code; use allocate, share_bps or round_half_up of core.money"
        elif (
            isinstance(node, ast.Call | ast.BinOp) and _reckons_a_float(source, node) and not _is_of_time(source, node)
        ):
            yield node.lineno, "this makes a float in money code; use integers of minor units or Decimal"


def no_float_of_money(source: Source) -> Iterator[tuple[int, str]]:
    """Also where no money is reckoned, only shown: no float and no true division of what is named as minor units."""
    if not source.place.startswith("src/") or reckons_with_money(source):
        return
    for node in source.nodes:
        if isinstance(node, ast.Call):
            if (_is_float_call(node) or _makes_floats(source, node)) and any(map(_names_minor_units, node.args)):
                yield node.lineno, f"{dotted(node.func)} of money; format it with core.money or web.format"
        elif isinstance(node, ast.BinOp | ast.AugAssign) and any(map(_names_minor_units, sides := _sides(node))):
            if _divides(node):
                yield node.lineno, "true division of money; format it with core.money or web.format"
            elif any(_is_float(source, side) for side in sides):
                yield node.lineno, "a float beside money; use integers of minor units or Decimal text"


def _sides(node: ast.BinOp | ast.AugAssign) -> tuple[ast.expr, ast.expr]:
    return (node.left, node.right) if isinstance(node, ast.BinOp) else (node.target, node.value)


def _reckons_a_float(source: Source, node: ast.Call | ast.BinOp) -> bool:
    return _makes_floats(source, node) or _is_negative_power(node)


def _is_float(source: Source, node: ast.expr, seen: frozenset[str] = frozenset()) -> bool:
    """Whether an operand is a float, as far as this file tells: written, reckoned, or kept under a name."""
    name = dotted(node)
    if isinstance(node, ast.Name | ast.Attribute) and name not in seen:
        kept = any(_is_float(source, value, seen | {name}) for value in source.values_of(node))
        return kept or _is_float_parameter(source, node, name)
    if isinstance(node, ast.UnaryOp):
        return _is_float(source, node.operand, seen)
    if isinstance(node, ast.BinOp):
        return (
            _divides(node)
            or _is_negative_power(node)
            or _is_float(source, node.left, seen)
            or _is_float(source, node.right, seen)
        )
    return (
        (isinstance(node, ast.Constant) and type(node.value) is float)
        or _is_float_call(node)
        or _makes_floats(source, node)
    )


def _is_float_parameter(source: Source, node: ast.expr, name: str) -> bool:
    """Whether the function around takes a float by that name: it says so, or its default is one."""
    function = source.function_of(node)
    if function is None:
        return False
    named = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    said = any(arg.arg == name and arg.annotation and dotted(arg.annotation) == "float" for arg in named)
    return said or any(arg.arg == name and _is_float(source, value, frozenset({name}))
                       for arg, value in _defaults(function))  # fmt: skip


def _is_float_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and dotted(node.func) == "float"


def _makes_floats(source: Source, node: ast.AST) -> bool:
    """Whether a function is called that answers with a float: a mean, a true division."""
    return isinstance(node, ast.Call) and source.full_name(node.func) in FLOAT_MAKERS


def _is_negative_power(node: ast.AST) -> bool:
    """``10 ** -2`` is a float; ``Decimal(10) ** -2`` is none."""
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Pow)
        and not isinstance(node.left, ast.Call)
        and isinstance(node.right, ast.UnaryOp)
        and isinstance(node.right.op, ast.USub)
    )


def _names_minor_units(node: ast.AST) -> bool:
    """Whether minor units are named in an expression: by a name, an attribute, or a key (``row["price_fen"]``)."""
    names = {
        part.id if isinstance(part, ast.Name) else part.attr if isinstance(part, ast.Attribute) else str(part.value)
        for part in ast.walk(node)
        if isinstance(part, ast.Name | ast.Attribute | ast.Constant)
    }
    return any(name.endswith(("_fen", "_minor")) for name in names)


def unit_in_name(source: Source) -> Iterator[tuple[int, str]]:
    """An integer field, parameter or column that holds money ends in ``_fen`` or ``_minor``."""
    if not source.place.startswith("src/"):
        return
    for node in source.nodes:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name | ast.Attribute):
            name = node.target.id if isinstance(node.target, ast.Name) else node.target.attr
            if _is_int(node.annotation) and _is_bare_money(name):
                yield node.lineno, f"the integer {name} holds money and does not say its unit (_fen or _minor)"
        elif isinstance(node, ast.arg) and node.annotation and _is_int(node.annotation) and _is_bare_money(node.arg):
            yield node.lineno, f"the integer {node.arg} holds money and does not say its unit (_fen or _minor)"
        elif isinstance(node, ast.Call) and _is_bare_money(name := _integer_column(node)):
            yield node.lineno, f"the column {name} holds money and does not say its unit (_fen or _minor)"


def _is_int(annotation: ast.expr) -> bool:
    if isinstance(annotation, ast.BinOp):  # int | None
        return _is_int(annotation.left) or _is_int(annotation.right)
    return isinstance(annotation, ast.Name) and annotation.id == "int"


def _integer_column(call: ast.Call) -> str:
    """The name of a column of integers; empty for any other call."""
    if dotted(call.func).split(".")[-1] not in ("Column", "mapped_column") or not call.args:
        return ""
    types = [arg.func if isinstance(arg, ast.Call) else arg for arg in call.args[1:]]
    return (string_of(call.args[0]) or "") if any("Integer" in dotted(kind) for kind in types) else ""


def _is_bare_money(name: str) -> bool:
    words = name.lower().strip("_").split("_")
    return bool(MONEY_WORDS & set(words)) and words[-1] not in UNITS


def _divides(node: ast.AST) -> TypeGuard[ast.BinOp | ast.AugAssign]:
    """Whether this is a true division; a path joined to a literal name is none."""
    if not (isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div)):
        return False
    right = node.right if isinstance(node, ast.BinOp) else node.value
    joins_a_path = isinstance(right, ast.JoinedStr) or (
        isinstance(right, ast.Constant) and isinstance(right.value, str)
    )
    return not joins_a_path


def _is_of_time(source: Source, node: ast.AST) -> bool:
    """Whether what holds the value is named as seconds, a ratio or the like."""
    at: ast.AST | None = node
    while at is not None and not isinstance(at, ast.stmt):
        if isinstance(at, ast.arg | ast.keyword) and _tells_time(at.arg or ""):
            return True
        at = source.parents.get(at)
    targets: list[ast.expr] = []
    if isinstance(at, ast.AnnAssign | ast.AugAssign):
        targets = [at.target]
    elif isinstance(at, ast.Assign):
        targets = at.targets
    elif isinstance(at, ast.FunctionDef | ast.AsyncFunctionDef):  # the return annotation
        return _tells_time(at.name) or _tells_time(_default_of(at, node))
    elif isinstance(at, ast.Return) and (holder := source.function_of(at)) is not None:
        return _tells_time(holder.name)
    return any(_tells_time(dotted(target)) for target in targets)


def _tells_time(name: str) -> bool:
    """Whether a name ends in a unit of time or a ratio, or is "seconds" itself."""
    return name.lower() == "seconds" or name.lower().endswith(TIME_UNITS)


def _default_of(function: ast.FunctionDef | ast.AsyncFunctionDef, node: ast.AST) -> str:
    """The parameter that has this node as its default; empty where there is none."""
    return next((arg.arg for arg, value in _defaults(function) if node in ast.walk(value)), "")


def _defaults(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[tuple[ast.arg, ast.expr]]:
    named = function.args
    positional = [*named.posonlyargs, *named.args]
    pairs = [*zip(reversed(positional), reversed(named.defaults), strict=False)]
    return pairs + [
        (arg, value) for arg, value in zip(named.kwonlyargs, named.kw_defaults, strict=True) if value is not None
    ]
