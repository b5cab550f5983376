"""A built wheel is whole: code, templates, catalogues and the browser assets that git does not hold."""

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ASSETS = "hutong/web/static/assets/"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    """The wheel of this checkout."""
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return zipfile.ZipFile(next(target.glob("hutong-*.whl")))


def test_the_wheel_ships_the_assets_byte_for_byte(wheel):
    listed = json.loads(wheel.read(ASSETS + "assets.json"))
    scripts = {"htmx.min.js", "tabler.min.css", "tabler.min.js", "echarts.min.js", "zxing.min.js"}
    assert set(listed) == {*scripts, "fonts/noto-sans-sc", "fonts/noto-sans-tc"}
    for name, entry in listed.items():
        parts = sorted(one for one in wheel.namelist() if one.startswith(f"{ASSETS}{name}/")) or [ASSETS + name]
        content = b"".join(map(wheel.read, parts))
        assert len(content) == entry["bytes"]
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
        assert entry["licence"] in ("0BSD", "MIT", "Apache-2.0", "OFL-1.1")


def test_the_wheel_ships_everything_that_stands_in_the_packages(wheel):
    done = subprocess.run(["git", "ls-files", "src"], cwd=ROOT, capture_output=True, text=True, check=False)
    committed = {name.removeprefix("src/") for name in done.stdout.split("\n") if name and (ROOT / name).is_file()}
    assert committed - set(wheel.namelist()) == set()


def test_the_wheel_has_commands_connectors_and_the_licence(wheel):
    info = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    entries = wheel.read(info).decode()
    assert "hutong = hutong.cli:main" in entries
    assert "[hutong.connectors]" in entries
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())


def test_the_wheel_holds_no_test_and_no_cache(wheel):
    assert not [name for name in wheel.namelist() if "__pycache__" in name or name.startswith(("tests/", "tools/"))]
