"""The home on disk: made once, checked ever after, locked by one process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from hutong.db.home import DATA_VERSION, Home, lock_home
from hutong.db.refusals import (
    DataVersionMismatch,
    HomeInUse,
    HomeNotDemo,
    HomeUnusable,
    NotAHome,
    VaultKeyMissing,
    VaultKeyWrong,
)


def test_a_fresh_home_is_private_and_opens_again(tmp_path):
    path = tmp_path / "new" / "home"
    home = Home.open(path)
    assert path.stat().st_mode & 0o777 == 0o700
    assert home.version_file.read_text() == DATA_VERSION
    key = home.keyring().current.key_id
    assert Home.open(path).keyring().current.key_id == key
    assert not home.is_demo
    for secret in (home.vault_key, home.version_file):
        assert secret.stat().st_mode & 0o077 == 0


def test_modes_above_the_home_never_change(tmp_path):
    above = tmp_path / "above"
    above.mkdir(mode=0o711)
    Home.open(above / "home")
    assert above.stat().st_mode & 0o777 == 0o711


def test_an_existing_empty_directory_keeps_its_mode(tmp_path):
    path = tmp_path / "given"
    path.mkdir(mode=0o750)
    Home.open(path)
    assert path.stat().st_mode & 0o777 == 0o750


def test_other_peoples_files_are_refused(tmp_path):
    (tmp_path / "thesis.docx").touch()
    with pytest.raises(NotAHome) as caught:
        Home.open(tmp_path)
    assert "thesis.docx" in str(caught.value)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.docx"]


def test_a_missing_key_over_data_is_refused_and_not_replaced(tmp_path):
    home = Home.open(tmp_path)
    home.vault_key.unlink()
    with pytest.raises(VaultKeyMissing):
        Home.open(tmp_path)
    assert not home.vault_key.exists()


def test_a_missing_key_and_version_over_a_database_is_refused(tmp_path):
    home = Home.open(tmp_path)
    (tmp_path / "postgres").mkdir()
    home.vault_key.unlink()
    home.version_file.unlink()
    with pytest.raises(NotAHome):
        Home.open(tmp_path)
    assert not home.vault_key.exists()


def test_another_homes_key_is_refused(tmp_path):
    ours, theirs = Home.open(tmp_path / "a"), Home.open(tmp_path / "b")
    ours.vault_key.write_bytes(theirs.vault_key.read_bytes())
    with pytest.raises(VaultKeyWrong):
        Home.open(tmp_path / "a")


@pytest.mark.parametrize("version", ["", "0", "2", "1.1", "latest"])
def test_another_data_version_is_refused(tmp_path, version):
    home = Home.open(tmp_path)
    home.version_file.write_text(version)
    with pytest.raises(DataVersionMismatch):
        Home.open(tmp_path)
    assert home.version_file.read_text() == version


def test_a_creation_that_broke_off_before_its_end_is_finished_with_the_same_key(tmp_path):
    home = Home.open(tmp_path)
    key = home.keyring().current.key_id
    home.version_file.unlink()
    home.files.rmdir()
    assert Home.open(tmp_path).keyring().current.key_id == key


def test_the_demo_mark_is_set_at_birth_only(tmp_path):
    assert Home.open(tmp_path / "play", demo=True).is_demo
    assert Home.open(tmp_path / "play", demo=True).is_demo
    Home.open(tmp_path / "real")
    with pytest.raises(HomeNotDemo):
        Home.open(tmp_path / "real", demo=True)
    assert not Home.open(tmp_path / "real").is_demo


def test_the_login_is_kept(tmp_path):
    login = Home.open(tmp_path).login()
    assert Home.open(tmp_path).login() == login
    assert len(login.password) >= 24
    assert login.password not in repr(login)


def test_a_file_in_the_place_of_the_home_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HomeUnusable):
        Home.open(tmp_path / "file")


def test_a_second_lock_in_the_same_process_is_refused(tmp_path):
    with lock_home(tmp_path), pytest.raises(HomeInUse) as caught:
        lock_home(tmp_path)
    assert caught.value.details["pid"] == str(os.getpid())
    lock_home(tmp_path).release()


def test_another_process_is_named_and_its_death_frees_the_home(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from hutong.db.home import lock_home; "
        "held = lock_home(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(HomeInUse) as caught:
            lock_home(tmp_path)
        for locale in ("zh-Hans", "en"):
            text = caught.value.text(locale)
            assert str(holder.pid) in text.sentence
            assert f"kill {holder.pid}" in text.fix
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        lock_home(tmp_path).release()
