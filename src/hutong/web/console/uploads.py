"""Files that a browser sends, put down under plain names."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Final

from litestar.datastructures import UploadFile

_PIECE_BYTES: Final = 1024 * 1024
_NAME_CHARS_MAX: Final = 120


async def keep_upload(file: UploadFile, folder: Path) -> Path:
    """A file on disk, under its own plain name in ``folder``."""
    path = folder / plain_name(file.filename)
    with path.open("wb") as out:
        while piece := await file.read(_PIECE_BYTES):
            out.write(piece)
    return path


def plain_name(name: str) -> str:
    """The last part of a file name, whatever system it came from; never a way out of the folder."""
    last = PureWindowsPath(PurePosixPath(name).name).name.lstrip(".")
    return last[-_NAME_CHARS_MAX:] or "file"
