"""Where the story is told: never in a home that has a past."""

from __future__ import annotations

from hutong.cli.story import story_home
from hutong.db.home import Home


def test_a_new_home_is_used_and_stays(tmp_path, monkeypatch):
    for named in (tmp_path / "new", tmp_path / "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        monkeypatch.setenv("HUTONG_HOME", str(named))
        with story_home() as home:
            assert home == named
        assert any(named.iterdir())


def test_a_home_with_a_past_is_left_alone(tmp_path, monkeypatch, capsys):
    past = tmp_path / "shop"
    Home.open(past, demo=True)
    before = sorted(str(path) for path in past.rglob("*"))
    monkeypatch.setenv("HUTONG_HOME", str(past))
    with story_home() as home:
        assert home != past
        assert home.is_dir()
    assert not home.exists()
    assert sorted(str(path) for path in past.rglob("*")) == before
    assert "has a past" in capsys.readouterr().err


def test_without_one_a_directory_is_made_and_gone_afterwards(monkeypatch):
    monkeypatch.delenv("HUTONG_HOME", raising=False)
    with story_home() as home:
        assert home.is_dir()
    assert not home.exists()
