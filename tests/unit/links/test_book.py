"""The matrix in force: an edit is taken while the hub runs, a broken one is not."""

from __future__ import annotations

import asyncio
import os

from hutong.links.jumps.book import JumpBook
from hutong.links.jumps.matrix import BUILT_IN, built_in

TEXT = BUILT_IN.read_text("utf-8")


def write(file, text):
    """Another text, and surely another time."""
    file.write_text(text, "utf-8")
    at = file.stat().st_mtime_ns + 1_000_000
    os.utime(file, ns=(at, at))


def test_without_a_file_the_built_in_one_is_in_force(tmp_path):
    book = JumpBook(tmp_path / "jumps.yaml")
    assert not book.look()
    assert book.matrix == built_in()


def test_a_broken_edit_is_told_with_its_line_and_changes_nothing(tmp_path, caplog):
    file = tmp_path / "jumps.yaml"
    book = JumpBook(file)
    write(file, TEXT.replace("dated: 2026-11-27", "dated: 2026-12-01"))
    assert book.look()
    good = book.matrix
    assert good.dated == "2026-12-01"
    write(file, TEXT.replace("version: 1", "version: 9"))
    assert not book.look()
    assert book.matrix is good
    assert book.problem is not None
    assert book.problem.details["line"] == TEXT[: TEXT.index("version: 1")].count("\n") + 1
    assert "跳转表 jumps.yaml 第" in caplog.text
    assert "jumps.yaml, line" in caplog.text
    assert not book.look(), "told once"
    write(file, TEXT)
    assert book.look()
    assert (book.problem, book.matrix.dated) == (None, "2026-11-27")


def test_bytes_that_are_no_text_change_nothing(tmp_path):
    file = tmp_path / "jumps.yaml"
    book = JumpBook(file)
    file.write_bytes(b"\xff\xfe\x00version")
    assert not book.look()
    assert book.problem is not None
    assert book.matrix == built_in()


def test_it_follows_its_file(tmp_path):
    file = tmp_path / "jumps.yaml"
    book = JumpBook(file)

    async def work():
        stop = asyncio.Event()
        following = asyncio.create_task(book.follow(stop))
        write(file, TEXT.replace("dated: 2026-11-27", "dated: 2026-12-01"))
        for _ in range(200):
            if book.matrix.dated == "2026-12-01":
                break
            await asyncio.sleep(0.02)
        stop.set()
        await following

    asyncio.run(work())
    assert book.matrix.dated == "2026-12-01"
