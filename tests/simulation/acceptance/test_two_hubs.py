"""Two hubs on one port or one home: the second is refused in one sentence, before it opens anything."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from hutong.cli.processes import PortTaken
from hutong.db.refusals import HomeInUse

HOST = "127.0.0.1"
REFUSED_WITHIN_S = 30


def run(command, home):
    """A command of ours that must end by itself: its exit code and all it said."""
    done = subprocess.run(
        [str(Path(sys.executable).parent / "hutong"), *command],
        env={**os.environ, "HUTONG_HOME": str(home), "LC_ALL": "zh_CN.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=REFUSED_WITHIN_S,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("whose", ["a hub", "another program"])
def test_a_hub_on_a_port_in_use_is_refused(market, tmp_path, whose):
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = urlsplit(market.world.url).port if whose == "a hub" else other.getsockname()[1]
        code, said = run(["serve", "--port", str(port)], tmp_path / "second")
    sentence = PortTaken(port=port).text("zh-Hans")
    assert (code, said.splitlines()) == (1, [sentence.sentence, sentence.cause, sentence.fix])
    assert not (tmp_path / "second").exists()


@pytest.mark.parametrize("command", ["demo", "serve"])
def test_what_starts_on_a_home_and_a_port_in_use_says_only_that_of_the_home(market, command):
    """Another port would only lead to the next refusal."""
    code, said = run([command, "--port", str(urlsplit(market.world.url).port)], market.world.home)
    assert code == 1
    assert said.splitlines()[0].startswith(HomeInUse(home=str(market.world.home), pid="?").text("zh-Hans").sentence[:8])
    assert len(said.splitlines()) == 3
