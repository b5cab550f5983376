"""Parameters of the API's queries: one that is not known is refused, for a filter that is misspelt would select all."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from litestar import Request
from litestar.handlers import BaseRouteHandler
from litestar.params import ParameterKwarg

from hutong.core.errors import InvalidInput, clipped
from hutong.web.labels import mark
from hutong.web.told import Told

#: What Litestar passes to a handler by these names is no parameter.
_PASSED: Final = frozenset({"request", "data", "body", "state", "headers", "cookies", "query", "scope", "socket"})
#: Programs page every list the same way; one that is always whole has nothing to page, and answers all.
_PAGING: Final = frozenset({"limit", "offset"})
_HANDLERS_MAX: Final = 1_000


async def refuse_unknown_parameters(request: Request[Any, Any, Any]) -> None:
    """Refuse a query that names what its operation does not have.

    Raises:
        InvalidInput: the first one that is unknown, with those that are.
    """
    if not request.query_params:
        return
    known = _names(request.route_handler)
    for name in request.query_params:
        if name not in known and name not in _PAGING:
            told = Told(mark("没有这个参数；可用的有：%(names)s"), names=", ".join(sorted(known)) or "–")
            raise InvalidInput(field=clipped(name), problem=told)


@lru_cache(maxsize=_HANDLERS_MAX)
def _names(handler: BaseRouteHandler) -> frozenset[str]:
    passed = {*_PASSED, *handler.resolve_dependencies()}
    in_path = {part[1:-1].split(":")[0] for path in handler.paths for part in path.split("/") if part.startswith("{")}
    fields = handler.parsed_fn_signature.parameters
    found = set()
    for name in fields.keys() - passed - in_path:
        told = fields[name].kwarg_definition
        given = (told.query or told.name) if isinstance(told, ParameterKwarg) else None
        found.add(given or name)
    return frozenset(found)
