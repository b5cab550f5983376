"""Every rule of the doctor is told in a sentence, in Chinese and English, whatever the terminal's language."""

from __future__ import annotations

import re
from pathlib import Path

import hutong
from hutong.cli.doctor import tell_breaches
from hutong.cli.doctor_words import MEANINGS

SOURCE = Path(hutong.__file__).parent
WHERE = (*SOURCE.glob("*/*checks.py"), SOURCE / "db" / "walls.py", SOURCE / "workflows" / "commands" / "examine.py")
ROOMS = "ledger|shops|payments|customers|analytics|links|webhooks|all|tenancy|jobs"
CHINESE = re.compile("[\u4e00-\u9fff]")


def rules():
    """Every rule that the rooms name."""
    return {found for file in WHERE for found in re.findall(rf'"((?:{ROOMS})\.[a-z_]+)"', file.read_text("utf-8"))}


def test_every_rule_has_its_sentence():
    assert rules() == {*MEANINGS}
    assert len(rules()) > 50


def test_each_sentence_is_one_of_its_language():
    for rule, meaning in MEANINGS.items():
        assert CHINESE.search(meaning.zh), rule
        assert re.fullmatch(r"[A-Za-z][A-Za-z',\- ]+[a-z]", meaning.en), rule
    for told in ([meaning.zh for meaning in MEANINGS.values()], [meaning.en for meaning in MEANINGS.values()]):
        assert len(set(told)) == len(told)


def test_a_rule_is_explained_once_above_all_that_breaks_it(capsys):
    rule = "shops.stock_is_fold"
    tell_breaches([{"merchant": "m", "rule": rule, "subject": str(number), "detail": "on hand"} for number in (1, 2)])
    head, *below = capsys.readouterr().out.splitlines()
    assert head.startswith(f"✗ {rule} ")
    assert MEANINGS[rule].zh in head
    assert MEANINGS[rule].en in head
    assert below == ["  m  1  on hand", "  m  2  on hand"]
