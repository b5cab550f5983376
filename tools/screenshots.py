"""Takes the pictures of the README from a running demo, with the machine's own Chromium. ``make screenshots``.

The demo gets a directory of its own, trades for its first hour and then stands still, so that the pictures show real
pages with figures that add up. Nothing is drawn or retouched.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, sync_playwright

ROOT: Final = Path(__file__).resolve().parent.parent
TARGET: Final = ROOT / "docs" / "images"
#: name → (page, width, height in CSS pixels)
PICTURES: Final[dict[str, tuple[str, int, int]]] = {
    "overview.png": ("/", 1280, 860),
    "channels.png": ("/channels", 1280, 640),
}
OPENED: Final = "第一批交易已完成"
DEMO_TIMEOUT_S: Final = 180
SETTLE_S: Final = 3
PICTURE_BYTES_MAX: Final = 200_000


def main() -> int:
    """Take every picture; 1 when one is too large to be committed."""
    chromium = os.environ.get("CHROMIUM") or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if chromium is None:
        print("no Chromium here: apt install chromium fonts-noto-cjk, or set CHROMIUM", file=sys.stderr)
        return 2
    TARGET.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="hutong-pictures-") as place,
        running_demo(Path(place)) as ready,
        sync_playwright() as play,
    ):
        env: dict[str, str | float | bool] = {**os.environ, "HOME": place}
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"], env=env)
        for name, (page, width, height) in PICTURES.items():
            take(browser, ready, page, (width, height), TARGET / name)
        browser.close()
    sizes = {name: (TARGET / name).stat().st_size for name in PICTURES}
    print(", ".join(f"{name} {size // 1000} kB" for name, size in sizes.items()), file=sys.stderr)
    return 1 if max(sizes.values()) > PICTURE_BYTES_MAX else 0


@contextmanager
def running_demo(place: Path) -> Iterator[dict[str, Any]]:
    """A demo that has traded for an hour and stands still; its ``ready`` line."""
    log = place / "demo.log"
    env = {**os.environ, "HUTONG_HOME": str(place / "home")}
    command = [str(Path(sys.executable).parent / "hutong"), "demo", "--still", "--port", "0"]
    with log.open("w", encoding="utf-8") as said:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True, env=env)
        try:
            assert process.stdout is not None
            line = next((line for line in process.stdout if line.startswith("ready ")), "")
            deadline = time.monotonic() + DEMO_TIMEOUT_S
            while line and OPENED not in log.read_text("utf-8") and time.monotonic() < deadline:
                time.sleep(0.2)
            if not line or OPENED not in log.read_text("utf-8"):
                raise SystemExit(f"the demo did not get ready:\n{log.read_text('utf-8')[-2000:]}")
            time.sleep(SETTLE_S)  # reactions to the last sale: books, figures, stock on Taobao
            yield json.loads(line.removeprefix("ready "))
        finally:
            process.terminate()
            process.wait(timeout=60)


def take(browser: Browser, ready: dict[str, Any], page: str, size: tuple[int, int], target: Path) -> None:
    """One picture of one page, signed in as the demo's owner, in Chinese."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        reduced_motion="reduce",
    )
    tab = context.new_page()
    tab.goto(f"{ready['url']}/login")
    tab.fill("input[name=login]", ready["login"]["login"])
    tab.fill("input[name=password]", ready["login"]["password"])
    tab.click("form button")
    tab.wait_for_url(lambda url: "/login" not in url)
    tab.goto(f"{ready['url']}{page}", wait_until="networkidle")
    tab.screenshot(path=str(target), animations="disabled")
    context.close()


if __name__ == "__main__":
    raise SystemExit(main())
