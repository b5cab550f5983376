"""Names of uploaded files are names, never ways."""

from __future__ import annotations

import pytest

from hutong.web.console.uploads import plain_name


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("orders.csv", "orders.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\li\\订单.xlsx", "订单.xlsx"),
        ("/abs/x.csv", "x.csv"),
        ("..", "file"),
        ("", "file"),
        (".hidden", "hidden"),
        ("a" * 300 + ".csv", "a" * 116 + ".csv"),
    ],
)
def testplain_name(sent, kept):
    assert plain_name(sent) == kept
