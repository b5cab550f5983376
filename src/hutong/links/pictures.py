"""Pictures of cards, pages and QR codes: drawn anew from what is uploaded, so that nothing else is in them.

What a browser gets is a file that this program wrote: no metadata (where a photograph was taken), no second file behind
the first, no format that is more than a picture. The name holds the content's digest, so that it may be kept for ever.
"""

from __future__ import annotations

import asyncio
from io import BytesIO
from typing import Any, Final
from uuid import UUID

import msgspec
from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy import Row, func, select

from hutong.core.errors import Conflict, ErrorText, InvalidInput, NotFound
from hutong.crypto.digests import sha256
from hutong.db.unit import Unit
from hutong.links.card_models import picture
from hutong.merchants.directory import register

#: The directory's kind of a picture's name.
PICTURE: Final = "picture"
#: What may be uploaded; phones make some four megabytes.
UPLOAD_BYTES_MAX: Final = 6 * 1024 * 1024
#: Looked at before anything is unpacked: a small file can hold a huge picture.
PIXELS_MAX: Final = 40_000_000
SIDE_MIN: Final = 32
#: What is kept; no app shows a card larger.
SIDE_MAX: Final = 1200
BODY_BYTES_MAX: Final = 2 * 1024 * 1024
PICTURES_MAX: Final = 1_000
FORMATS: Final = ("PNG", "JPEG", "WEBP")
_JPEG_QUALITY: Final = 86
_NAME_HEX: Final = 40
_TYPES: Final = {"image/jpeg": "jpg", "image/png": "png"}


class PictureRefused(InvalidInput):
    """A file that is no picture we take."""

    code = "picture_refused"
    zh = ErrorText(
        "这个文件不能用作图片：{problem}。",
        "只收 PNG、JPEG 或 WebP，不超过 6 MB，边长至少 32 像素，总像素不超过四千万。",
        "换一张图片，或用相册里的编辑功能另存为 JPEG 再上传。",
    )
    en = ErrorText(
        "This file cannot be used as a picture: {problem}.",
        "PNG, JPEG or WebP up to 6 MB, at least 32 pixels a side and at most forty million pixels.",
        "Choose another one, or save it as JPEG with any photo editor first.",
    )

    def __init__(self, problem: str) -> None:
        super().__init__(field="picture", problem=problem)


class TooManyPictures(Conflict):
    """The merchant keeps as many pictures as a merchant may."""

    code = "too_many_pictures"
    zh = ErrorText("图片已经存满了。", "一个商户最多存 {limit} 张图片。", "换用已经上传过的图片。")
    en = ErrorText("There is no room for more pictures.", "A merchant keeps {limit} at most.", "Use one that is there.")


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """A picture as we write it."""

    content_type: str
    width: int
    height: int
    body: bytes


class PictureView(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that is kept; ``path`` is where it is served."""

    picture_id: UUID
    name: str
    content_type: str
    width: int
    height: int

    @property
    def path(self) -> str:
        """The address on our own origin."""
        return f"/pictures/{self.name}"


def draw(uploaded: bytes) -> Drawn:
    """The picture anew: upright, in plain colours, at most SIDE_MAX a side; of a moving one the first frame.

    Raises:
        PictureRefused: it is none, or beyond a limit.
    """
    if not 0 < len(uploaded) <= UPLOAD_BYTES_MAX:
        raise PictureRefused(f"{len(uploaded)} B")
    try:
        with Image.open(BytesIO(uploaded), formats=FORMATS) as opened:
            width, height = opened.size
            if width * height > PIXELS_MAX or min(width, height) < SIDE_MIN:
                raise PictureRefused(f"{width}×{height}")
            opened.draft("RGB", (SIDE_MAX, SIDE_MAX))  # a large photograph is unpacked small
            upright = ImageOps.exif_transpose(opened)
            has_alpha = upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info
            plain = upright.convert("RGBA" if has_alpha else "RGB")
    except PictureRefused:
        raise
    except (UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureRefused(type(error).__name__) from error
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, OverflowError, TypeError, KeyError) as error:
        raise PictureRefused("broken") from error  # what the decoders raise on damaged files
    plain.thumbnail((SIDE_MAX, SIDE_MAX))
    return _written(plain, has_alpha=has_alpha)


def _written(plain: Image.Image, *, has_alpha: bool) -> Drawn:
    """The file; a fresh image takes nothing of the old one along but its pixels."""
    clean = Image.new(plain.mode, plain.size)
    clean.paste(plain)
    out = BytesIO()
    if has_alpha:
        clean.save(out, "PNG", optimize=True)
        if len(out.getvalue()) > BODY_BYTES_MAX:  # a photograph with a clear corner: on white it is a tenth
            white = Image.new("RGB", clean.size, "white")
            white.paste(clean, mask=clean.getchannel("A"))
            return _written(white, has_alpha=False)
    else:
        clean.save(out, "JPEG", quality=_JPEG_QUALITY, optimize=True, progressive=True)
    kind = "image/png" if has_alpha else "image/jpeg"
    return Drawn(content_type=kind, width=clean.width, height=clean.height, body=out.getvalue())


async def draw_aside(uploaded: bytes) -> Drawn:
    """:func:`draw` beside everything else: it takes tenths of a second."""
    return await asyncio.to_thread(draw, uploaded)


async def keep_picture(unit: Unit, drawn: Drawn) -> PictureView:
    """Keep it; the same picture again is the one that is there.

    Raises:
        TooManyPictures: PICTURES_MAX are kept.
    """
    digest = sha256(unit.merchant_id.bytes + drawn.body).hex()[:_NAME_HEX]
    name = f"{digest}.{_TYPES[drawn.content_type]}"
    known = await find_picture(unit, name)
    if known is not None:
        return known
    count = await unit.scalar(
        select(func.count()).select_from(picture).where(picture.c.merchant_id == unit.merchant_id)
    )
    if count >= PICTURES_MAX:
        raise TooManyPictures(limit=PICTURES_MAX)
    picture_id = unit.new_id()
    await register(unit, PICTURE, name, picture_id)
    await unit.insert_once(
        picture,
        picture_id=picture_id,
        name=name,
        content_type=drawn.content_type,
        width=drawn.width,
        height=drawn.height,
        body=drawn.body,
        created_at=unit.now(),
    )
    found = await find_picture(unit, name)
    assert found is not None, "it was written, or somebody else wrote the same"
    return found


_VIEW: Final = (picture.c.picture_id, picture.c.name, picture.c.content_type, picture.c.width, picture.c.height)


async def find_picture(unit: Unit, name: str) -> PictureView | None:
    """A picture by its name."""
    row = await unit.one(select(*_VIEW).where(picture.c.merchant_id == unit.merchant_id, picture.c.name == name))
    return None if row is None else _view(row)


async def get_picture(unit: Unit, picture_id: UUID) -> PictureView:
    """A picture by its id.

    Raises:
        NotFound: not this merchant's.
    """
    row = await unit.one(
        select(*_VIEW).where(picture.c.merchant_id == unit.merchant_id, picture.c.picture_id == picture_id)
    )
    if row is None:
        raise NotFound(what="picture", key=str(picture_id))
    return _view(row)


async def picture_body(unit: Unit, name: str) -> Drawn | None:
    """The bytes by the picture's name."""
    row = await unit.one(select(picture).where(picture.c.merchant_id == unit.merchant_id, picture.c.name == name))
    if row is None:
        return None
    return Drawn(content_type=row.content_type, width=row.width, height=row.height, body=row.body)


def _view(row: Row[Any]) -> PictureView:
    return PictureView(
        picture_id=row.picture_id,
        name=row.name,
        content_type=row.content_type,
        width=row.width,
        height=row.height,
    )
