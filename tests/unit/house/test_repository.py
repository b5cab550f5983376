"""What the repository may hold: our own text, locks without addresses, nothing of anybody's machine."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LOCKS = ("run", "dev", "tools", "node")
# Written so that this file does not match itself.
REGISTRY_HOST = re.compile(r"py[p]i\.org|python[h]osted\.|registry\.np[m]|deb\.deb[i]an|npmmi[r]ror|mirrors\.[a-z]+\.")
HOME_PATH = re.compile(r"(?:^|[\s\"'`(=:])/(?:root|home/[a-z]|Users/[A-Z]|farm|work)/")
BUILT = re.compile(r"(?:^|/)(?:vendor|node_modules|dist)/|\.min\.(?:js|css)$|(?:^|/)uv\.lock$")
KEY_BLOCK = re.compile(r"-----BEGIN (?:RSA |EC |)PRIVATE KEY-----\n[A-Za-z0-9+/]{40}")
TEXT_BYTES_MAX = 400_000
PICTURE_BYTES_MAX = 200_000


def tracked() -> list[Path]:
    """Files that are committed and still there; empty outside a git checkout."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


FILES = tracked()
IN_GIT = pytest.mark.skipif(not FILES, reason="not a git checkout: nothing is tracked")


def text_of(file: Path) -> str:
    """The text of a file; empty for pictures and archives."""
    content = file.read_bytes()
    return "" if b"\0" in content[:8000] else content.decode("utf-8", "replace")


@IN_GIT
def test_no_registry_host_and_no_path_of_a_machine():
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in FILES
        for number, line in enumerate(text_of(file).splitlines(), 1)
        if REGISTRY_HOST.search(line) or HOME_PATH.search(line)
    ]
    assert not found


@IN_GIT
def test_no_private_key_and_nothing_built_or_taken_from_others():
    assert not [file for file in FILES if KEY_BLOCK.search(text_of(file))]
    assert not [file for file in FILES if BUILT.search(file.relative_to(ROOT).as_posix())]


@IN_GIT
def test_files_are_of_a_size_to_be_read():
    pictures = (".png", ".jpg", ".webp")
    assert not [f for f in FILES if f.suffix in pictures and f.stat().st_size > PICTURE_BYTES_MAX]
    assert not [f for f in FILES if f.suffix not in pictures and f.stat().st_size > TEXT_BYTES_MAX]


def pins(name: str) -> dict[str, str]:
    """Package → version of a lock."""
    lines = (ROOT / "locks" / f"{name}.lock").read_text(encoding="utf-8").splitlines()
    found = [re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", line) for line in lines]
    return {match[1].lower(): match[2] for match in found if match}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_hashes_and_no_address(name):
    text = (ROOT / "locks" / f"{name}.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^(?:--|-e|-f|-i)", text, re.MULTILINE)
    assert pins(name)
    assert text.count("--hash=sha256:") >= len(pins(name))


@pytest.mark.parametrize("name", ["run", "tools"])
def test_the_developers_lock_agrees_with(name):
    dev = pins("dev")
    assert {package: version for package, version in pins(name).items() if dev.get(package, version) != version} == {}


def test_the_locks_hold_what_the_project_names():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for name, wanted in (("run", project["project"]["dependencies"]), ("dev", project["dependency-groups"]["dev"])):
        names = {re.split(r"[\[<>=!~; ]", requirement)[0].lower() for requirement in wanted}
        assert names <= set(pins(name)), f"locks/{name}.lock is older than pyproject.toml: run `make lock`"


def test_the_npm_lock_pins_by_digest_and_names_no_address():
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    assert lock["packages"][""]["dependencies"] == package["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in package["dependencies"].values())
    for name, entry in lock["packages"].items():
        assert not name or (entry["integrity"].startswith("sha512-") and "resolved" not in entry)


def test_built_in_connectors_come_through_the_public_door():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    entries = project["project"]["entry-points"]["hutong.connectors"]
    folders = {path.parent.name for path in (ROOT / "src/hutong/connectors").glob("*/__init__.py")}
    assert folders == {value.split(":")[0].split(".")[2] for value in entries.values()}
    for name, value in entries.items():
        # A platform's alliance stands in its folder, beside its shops.
        place = name.removesuffix("_alliance")
        beside = f"hutong.connectors.{place}" + ("" if place == name else ".alliance")
        assert value == f"{beside}:CONNECTOR"
