"""The matrix in force: the one that comes with the hub, or the home's own file, read again when it changes."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from pathlib import Path
from typing import Final

from hutong.db.rounds import repeat
from hutong.links.jumps.broken import MatrixBroken
from hutong.links.jumps.matrix import Matrix, built_in, load_matrix

log = logging.getLogger("hutong.links")

#: The file in the home; without it the built-in matrix is in force.
FILE_NAME: Final = "jumps.yaml"
#: An edit is in force this soon.
LOOK_S: Final = 1.0


class JumpBook:
    """Holds the matrix. A broken file changes nothing: the one before stays, and ``problem`` says what is wrong."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._seen: tuple[int, int] | None = None
        self._matrix: Matrix | None = None
        self.problem: MatrixBroken | None = None

    @property
    def matrix(self) -> Matrix:
        """The one in force."""
        if self._matrix is None:
            self._matrix = built_in()
        return self._matrix

    def look(self) -> bool:
        """Read the file if it has changed; whether another matrix is in force now."""
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        self._seen = stamp
        self.problem = None
        if self._file is None or stamp is None:
            self._matrix = None
            return True
        try:
            self._matrix = load_matrix(self._file.name, self._file.read_text("utf-8"))
        except MatrixBroken as error:
            self.problem = error
        except (OSError, UnicodeDecodeError) as error:
            self.problem = MatrixBroken(self._file.name, 1, "not_yaml", type(error).__name__)
        if self.problem is not None:
            log.error("%s %s", self.problem.text("zh").sentence, self.problem.text("en").sentence)
            return False
        return True

    async def follow(self, stop: asyncio.Event) -> None:
        """Look again and again until ``stop``."""
        trouble = "the matrix of jumps could not be looked at; the one before stays"
        await repeat(partial(asyncio.to_thread, self.look), stop, LOOK_S, log, trouble)

    def _stamp(self) -> tuple[int, int] | None:
        if self._file is None:
            return None
        try:
            told = self._file.stat()
        except OSError:
            return None
        return told.st_mtime_ns, told.st_size
