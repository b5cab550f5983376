"""Set-up in its parts: what it refuses, what it keeps, and what a second run costs."""

import importlib
import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
bootstrap = importlib.import_module("bootstrap")


#: A set-up that notes that it was called and leaves what the Makefile looks at.
STAND_IN = """#!/bin/sh
echo $1 >> calls
mkdir -p src/hutong/web/static/assets
touch .venv/.setup-$1 src/hutong/web/static/assets/assets.json
echo "$PWD/.venv" > .venv/bin/activate
"""


def executable(file: Path, text: str) -> Path:
    """A script that can be run."""
    file.write_text(text, encoding="utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


def test_an_old_python_is_refused_with_a_sentence(tmp_path):
    old = '#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n'
    for name in ("python3", "python3.11", "python3.12", "python3.13", "python3.14", "python"):
        executable(tmp_path / name, old)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run([ROOT / "tools/set-up", "run"], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Python 3.11 or newer; found: Python 3.9.2" in done.stderr
    assert "需要 Python 3.11" in done.stderr


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The Makefile with set-up replaced by a script that only notes that it was called."""
    place = tmp_path / "checkout"
    for name in ("locks", "tools", ".venv/bin"):
        (place / name).mkdir(parents=True)
    inputs = ("pyproject.toml", "package.json", "package-lock.json", ".npmrc", "tools/bootstrap.py", "tools/assets.py")
    for name in (*inputs, "Makefile", *(f"locks/{lock}.lock" for lock in ("run", "dev", "tools", "node"))):
        shutil.copy(ROOT / name, place / name)
    executable(place / "tools" / "set-up", STAND_IN)
    (place / ".venv/bin/python").symlink_to(sys.executable)
    return place


def calls(place: Path) -> list[str]:
    """Make twice what `make run` and `make test` need, and tell which set-ups ran."""
    (place / "calls").write_text("", encoding="utf-8")
    for target in ("setup", "setup-dev", "setup"):
        subprocess.run(["make", "--silent", target], cwd=place, check=True, timeout=60)
    return (place / "calls").read_text(encoding="utf-8").split()


def test_what_make_starts_reads_bytecode(checkout):
    """Container images switch it off, and then every start of a hub compiles all that it imports."""
    show = ["make", "--silent", "--eval=show: ; @env", "show"]
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(show, cwd=checkout, env=env, capture_output=True, text=True, check=True, timeout=60)
    assert "PATH=" in done.stdout
    assert "PYTHONDONTWRITEBYTECODE" not in done.stdout


def test_a_second_set_up_does_no_work(checkout):
    assert calls(checkout)[:2] == ["run", "dev"]
    assert calls(checkout) == []


def test_removed_assets_are_made_again(checkout):
    calls(checkout)
    shutil.rmtree(checkout / "src")
    assert "run" in calls(checkout)


def test_a_changed_lock_and_a_moved_checkout_are_set_up_again(checkout, tmp_path):
    calls(checkout)
    later = time.time() + 60
    os.utime(checkout / "locks" / "run.lock", (later, later))
    assert set(calls(checkout)) == {"run", "dev"}
    os.utime(checkout / "locks" / "run.lock", (1, 1))
    calls(checkout)
    moved = tmp_path / "elsewhere"
    checkout.rename(moved)
    assert "run" in calls(moved)


def test_what_is_written_when_home_cannot_be(monkeypatch, tmp_path):
    monkeypatch.setattr(bootstrap, "LOCAL_CACHE", tmp_path / "cache")
    monkeypatch.setenv("HOME", "/proc/nowhere")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("UV_CACHE_DIR", raising=False)
    env = bootstrap.child_environment()
    assert env["HOME"] == str(tmp_path / "cache" / "home")
    assert Path(env["HOME"]).is_dir()


def test_a_chosen_index_of_pip_serves_uv_too(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", sys._base_executable)  # set-up runs on the machine's Python, which has pip
    settings = tmp_path / "pip.conf"
    settings.write_text("[global]\nindex-url = https://packages.example/simple\n", encoding="utf-8")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    monkeypatch.delenv("UV_INDEX_URL", raising=False)
    assert bootstrap.child_environment()["UV_DEFAULT_INDEX"] == "https://packages.example/simple"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://own.example/simple")
    assert bootstrap.child_environment()["UV_DEFAULT_INDEX"] == "https://own.example/simple"


def test_an_environment_that_was_moved_is_not_trusted(tmp_path):
    place = tmp_path / "here"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    assert bootstrap.venv_is_sound(place)
    place.rename(tmp_path / "there")
    assert not bootstrap.venv_is_sound(tmp_path / "there")
    assert not bootstrap.venv_is_sound(tmp_path / "nowhere")


def test_the_lock_names_the_uv_that_is_installed():
    assert bootstrap.pinned(ROOT / "locks" / "tools.lock", "uv").count(".") == 2


def test_the_makefile_explains_every_target():
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("run", "test", "lint", "bench", "bench-%", "proof-%", "screenshots", "clean"):
        assert f"make {target} " in done.stdout


@pytest.mark.parametrize("name", ["nothing", "proof_nothing"])
def test_what_is_not_built_says_so_and_fails(name):
    command = [sys.executable, str(ROOT / "tools" / "bench.py"), name]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "not built yet" in done.stderr
    assert done.stdout == ""
