"""Copies the few browser files that the pages use from node_modules into the package.

The place is git-ignored and the wheel ships it (``artifacts`` in pyproject.toml).

Writes ``assets.json`` beside them: name → package, version, licence, size and digest, so that pages can put a digest
into their addresses and the documentation can name what is shipped. A file that is missing stops the set-up.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
MODULES: Final = ROOT / "node_modules"
TARGET: Final = ROOT / "src" / "hutong" / "web" / "static" / "assets"
#: name that pages use → (npm package, file inside it)
FILES: Final[dict[str, tuple[str, str]]] = {
    "htmx.min.js": ("htmx.org", "dist/htmx.min.js"),
    "tabler.min.css": ("@tabler/core", "dist/css/tabler.min.css"),
    "tabler.min.js": ("@tabler/core", "dist/js/tabler.min.js"),
    # Lines, bars, pies, scatter with axes, legend and tooltip: two thirds of the size of the full build.
    "echarts.min.js": ("echarts", "dist/echarts.common.min.js"),
    # Reads payment codes with the camera at the till, where the browser has no reader of its own; fetched when asked.
    "zxing.min.js": ("@zxing/library", "umd/index.min.js"),
}
#: Fonts that printed papers embed (ADR 0021): each package whole, as slices by letters, with the list of them.
FONTS: Final = ("noto-sans-sc", "noto-sans-tc")
SLICES: Final = "*-wght-normal.woff2"
LICENCES: Final[dict[str, tuple[str, ...]]] = {
    "htmx.org": ("LICENSE",),
    "@tabler/core": (),  # the licence stands in the head of each file
    "echarts": ("LICENSE", "NOTICE"),
    "@zxing/library": ("LICENSE",),
    "@fontsource-variable/noto-sans-sc": ("LICENSE",),
    "@fontsource-variable/noto-sans-tc": ("LICENSE",),
    "ts-custom-error": ("LICENSE",),  # is inside the reader's file
}


def main() -> None:
    """Copy the files and write the list of them."""
    fresh = TARGET.with_name("assets.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    listed: dict[str, dict[str, str | int]] = {}
    for name, (package, inside) in FILES.items():
        content = (MODULES / package / inside).read_bytes()
        (fresh / name).write_bytes(content)
        about = json.loads((MODULES / package / "package.json").read_text(encoding="utf-8"))
        listed[name] = {
            "package": package,
            "version": about["version"],
            "licence": about["license"],
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    for font in FONTS:
        listed |= copy_font(font, fresh / "fonts" / font)
    for package, texts in LICENCES.items():
        for text in texts:
            place = fresh / "licences" / package.replace("@", "").replace("/", "-")
            place.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(MODULES / package / text, place / f"{text}.txt")
    (fresh / "assets.json").write_text(json.dumps(listed, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    shutil.rmtree(TARGET, ignore_errors=True)
    fresh.rename(TARGET)


def copy_font(font: str, place: Path) -> dict[str, dict[str, str | int]]:
    """Copy the slices of a font and the list of what is in which; one entry stands for all of them."""
    package = f"@fontsource-variable/{font}"
    slices = sorted((MODULES / package / "files").glob(SLICES))
    if not slices:
        raise SystemExit(f"{package} has no {SLICES}")
    place.mkdir(parents=True)
    digest, size = hashlib.sha256(), 0
    for source in (*slices, MODULES / package / "unicode.json"):
        content = source.read_bytes()
        (place / source.name).write_bytes(content)
        digest.update(content)
        size += len(content)
    about = json.loads((MODULES / package / "package.json").read_text(encoding="utf-8"))
    return {
        f"fonts/{font}": {
            "package": package,
            "version": about["version"],
            "licence": about["license"],
            "bytes": size,
            "sha256": digest.hexdigest(),
        }
    }


if __name__ == "__main__":
    main()
