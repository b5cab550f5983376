"""The schema: Alembic revisions, run as the owner role. Each carries a note of why and is checked by tests."""

from __future__ import annotations

from typing import Final

#: The newest revision, so that a start on an up-to-date database need not load Alembic (checked by a test).
HEAD: Final = "0033"
