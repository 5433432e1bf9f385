from notion_emulator.clock import MINUTE, Clock, exact, millis, minute, stamp


def test_a_frozen_clock_moves_only_when_told() -> None:
    clock = Clock()
    clock.freeze(60_000)
    assert clock.now() == clock.now() == 60_000
    clock.advance(1.5)
    assert clock.now() == 61_500


def test_a_clock_runs_on_from_where_it_stood() -> None:
    clock = Clock()
    clock.freeze(5_000)
    clock.run()
    assert 5_000 <= clock.now() < 65_000
    clock.advance(-3600)
    assert clock.now() < 0


def test_times_have_the_three_recorded_forms() -> None:
    at = millis("2026-06-27T16:55:59.422Z")
    assert minute(at) == "2026-06-27T16:55:00.000Z"
    assert exact(at) == "2026-06-27T16:55:59.422+00:00"
    assert stamp(at) == "2026-06-27T16:55:59.422Z"
    assert minute(at) == minute(at // MINUTE * MINUTE)


def test_a_naive_time_or_date_is_utc() -> None:
    assert millis("2026-01-01") == millis("2026-01-01T00:00:00") == millis("2026-01-01T01:00:00+01:00")
