"""Names a text for the catalogues where it stands; it is translated where it is shown."""

from __future__ import annotations


def mark(message: str) -> str:
    """Name a text for the catalogues; it is translated where it is shown."""
    return message
