from datetime import UTC, datetime, timedelta
from uuid import RFC_4122

from hutong.core.ids import CODE_LETTERS, new_code, new_id, new_ids


def test_ids_are_version_7_and_sort_by_time():
    start = datetime(2026, 1, 5, tzinfo=UTC)
    ids = [new_id(start + timedelta(milliseconds=n)) for n in range(200)]
    assert ids == sorted(ids)
    assert {(i.version, i.variant) for i in ids} == {(7, "specified in RFC 4122")}


def test_the_time_part_is_unix_milliseconds():
    now = datetime(2026, 1, 5, 10, 0, 0, 123000, tzinfo=UTC)
    assert new_id(now).int >> 80 == int(now.timestamp() * 1000)


def test_ids_of_one_moment_differ():
    now = datetime(2026, 1, 5, tzinfo=UTC)
    assert len({new_id(now) for _ in range(10_000)}) == 10_000


def test_codes_can_be_read_aloud():
    code = new_code(64)
    assert set(code) <= set(CODE_LETTERS)
    assert not set("0O1Il") & set(CODE_LETTERS)


def test_ids_by_the_dozen_are_like_single_ones():
    now = datetime(2026, 1, 1, 12, 30, 15, 123_000, tzinfo=UTC)
    ids = new_ids(now, 500)
    assert len(set(ids)) == 500
    assert {(found.version, found.variant) for found in ids} == {(7, RFC_4122)}
    assert {found.int >> 80 for found in ids} == {int(now.timestamp() * 1000)}
    random_bits = [found.int & (0xFFF << 64 | (1 << 62) - 1) for found in ids]
    for bit in (*range(62), *range(64, 76)):
        assert 0 < sum(bits >> bit & 1 for bits in random_bits) < 500, f"bit {bit} is random"
    assert new_ids(now, 0) == []
