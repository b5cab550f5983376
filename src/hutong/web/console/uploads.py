"""Files that a browser sends, put down under plain names."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.datastructures import UploadFile
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from hutong.core.errors import ErrorText, HutongError

_MIB: Final = 1024 * 1024
_PIECE_BYTES: Final = 1024 * 1024
_NAME_CHARS_MAX: Final = 120
_LENGTH_DIGITS_MAX: Final = 18


class UploadTooLarge(HutongError):
    """More was sent than a page takes."""

    code = "upload_too_large"
    status = 413
    zh = ErrorText(
        "文件太大：一次最多上传 {mib} MB。", "太大的文件会拖垮系统，没有读取。", "请分成几个文件，分几次上传。"
    )
    en = ErrorText(
        "The file is too large: at most {mib} MB can be uploaded at once.",
        "Files that large would starve the machine; it was not read.",
        "Split it into several files and upload one after the other.",
    )


def at_most(bytes_max: int) -> Guard:
    """Refuses an upload in words by the length that it is announced with; what is announced with none is counted."""

    def look(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        length = connection.headers.get("content-length", "")
        if length.isdecimal() and int(length[:_LENGTH_DIGITS_MAX]) > bytes_max:
            raise UploadTooLarge(mib=bytes_max // _MIB)

    return look


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
