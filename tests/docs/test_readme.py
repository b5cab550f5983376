"""The front page: both languages say the same, and claim no more than the connectors do."""

import re
import subprocess
from pathlib import Path

import pytest

from hutong.platforms.contract import Proof
from hutong.platforms.registry import Registry

ROOT = Path(__file__).resolve().parents[2]
ENGLISH = (ROOT / "README.md").read_text("utf-8")
CHINESE = (ROOT / "README.zh-CN.md").read_text("utf-8")
#: The order in which one proof is worth more than another.
WORTH = [Proof.UNVERIFIED, Proof.SIMULATED, Proof.JUDGED, Proof.FILE_TESTED, Proof.LIVE_TESTED]


def needs(page: str) -> list[list[str]]:
    """The rows of the table of needs: need, part, state."""
    rows = [
        line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ") and line.count("|") == 4
    ]
    return [row for row in rows if set(row[0]) != {"-"}][1:]


def test_both_languages_have_the_same_sections_commands_and_pictures():
    for pattern in (r"^##? ", r"```sh\n(?:.*\n)*?```", r"!\[[^\]]*\]\(([^)]+)\)"):
        assert len(re.findall(pattern, ENGLISH, re.MULTILINE)) == len(re.findall(pattern, CHINESE, re.MULTILINE))
    commands = [re.findall(r"^(?:make|\.venv/bin|python3) [^#\n]+", page, re.MULTILINE) for page in (ENGLISH, CHINESE)]
    assert [line.strip() for line in commands[0]] == [line.strip() for line in commands[1]]
    pictures = [re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page) for page in (ENGLISH, CHINESE)]
    assert pictures[0] == pictures[1]
    assert pictures[0]


def test_each_need_has_a_part_and_an_honest_state_in_both_languages():
    english, chinese = needs(ENGLISH), needs(CHINESE)
    assert len(english) == len(chinese) == 8
    words = {proof.value for proof in Proof}
    for left, right in zip(english, chinese, strict=True):
        said = [set(re.findall(r"`([\w-]+)`", row[2])) & words for row in (left, right)]
        assert said[0] == said[1], left[0]
        assert said[0] or "not built yet" in left[2]
        assert ("not built yet" in left[2]) == ("尚未实现" in right[2]), left[0]


@pytest.mark.parametrize(("title", "name"), [("WeChat Pay", "wechatpay"), ("Alipay", "alipay"), ("Taobao", "taobao")])
def test_no_more_is_claimed_than_the_connector_claims(title, name):
    claimed = [Proof(word) for word in re.findall(rf"{title}: `([\w-]+)`", ENGLISH)]
    proofs = Registry.from_entry_points().get(name).proofs
    assert claimed
    assert max(WORTH.index(proof) for proof in claimed) <= max(WORTH.index(proof) for proof in proofs.values())
    assert all(proofs[capability] in claimed for capability in ("payments", "orders") if capability in proofs)


def test_the_commands_of_the_front_page_exist():
    for target in set(re.findall(r"^make ([\w-]+)", ENGLISH, re.MULTILINE)):
        assert subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, check=False).returncode == 0
    reference = (ROOT / "docs/reference/commands.md").read_text("utf-8")
    for command in set(re.findall(r"\.venv/bin/(hutong(?:-sandbox)? \w+(?: orders)?)", ENGLISH)):
        assert f"`{command}`" in reference, command


def test_the_picture_is_small():
    for picture in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", ENGLISH):
        assert 10_000 < (ROOT / picture).stat().st_size < 200_000
