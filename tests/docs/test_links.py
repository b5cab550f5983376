"""Links and pictures of the documents lead somewhere; what the documents list is what there is."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "src").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """The anchors that headings of a page make."""
    heads = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=[page.relative_to(ROOT).as_posix() for page in PAGES])
def test_links_lead_somewhere(page):
    broken = []
    for target in LINK.findall(page.read_text("utf-8")):
        place, _, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        file = (page.parent / place) if place else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("folder", ["howto", "reference", "explanation", "adr"])
def test_an_index_lists_every_page_of_its_folder(folder):
    place = ROOT / "docs" / folder
    listed = set(LINK.findall((place / "README.md").read_text("utf-8")))
    assert {page.name for page in place.glob("*.md")} - {"README.md"} <= listed


def test_the_page_of_make_targets_tells_what_make_help_tells():
    told = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = {name.replace("%", "NAME") for name in re.findall(r"^  make (\S+)", told, re.MULTILINE)}
    page = set(re.findall(r"`make ([\w-]+)`", (ROOT / "docs/reference/make.md").read_text("utf-8")))
    assert targets - page == {"help", "setup", "setup-dev"}
    assert page <= targets


def test_every_room_of_the_house_is_on_the_drawing():
    text = (ROOT / "docs/architecture.md").read_text("utf-8")
    rooms = {path.stem for path in (ROOT / "src/hutong").iterdir() if not path.name.startswith(("_", ".", "py."))}
    assert {room for room in rooms if f"`{room}`" not in text} == set()
