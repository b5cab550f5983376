"""A database that is away for a moment: whoever asks it again and again says so in one line, without a traceback."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Final

import asyncpg

#: What the driver says of a line that was cut or could not be opened.
_CUT: Final = (
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InternalClientError,
)
#: Causes that are looked at behind one error: SQLAlchemy wraps the driver's twice.
_CAUSES_MAX: Final = 8


def is_away(error: BaseException) -> bool:
    """Whether an error says that the database was lost or cannot be reached, and nothing else."""
    return any(
        isinstance(cause, _CUT) or (isinstance(cause, asyncpg.InterfaceError) and "closed" in str(cause))
        for cause in _causes(error)
    )


def log_trouble(log: logging.Logger, error: BaseException, message: str, *args: object) -> None:
    """Note what could not be done: with a traceback, except where the database is away and no more is to be said."""
    if is_away(error):
        log.warning(f"{message} (the database is away: %s)", *args, type(error).__name__, stacklevel=2)
    else:
        log.error(message, *args, exc_info=error, stacklevel=2)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    for _ in range(_CAUSES_MAX):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__
