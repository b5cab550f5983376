from datetime import UTC, datetime, timedelta

from hutong.core.ids import CODE_LETTERS, new_code, new_id


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
