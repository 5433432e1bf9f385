from typing import Any

from notion_emulator import Emulator


def test_search_speaks_of_databases_before_2025_09_03(ask: Any) -> None:
    source = ask.table()
    kinds = {}
    for version, value in (
        ("2022-06-28", "database"),
        ("2025-09-03", "data_source"),
        ("2026-03-11", "data_source"),
    ):
        ask.version = version
        found = ask("POST", "/search", {"filter": {"property": "object", "value": value}})
        kinds[version] = (found["type"], [one["object"] for one in found["results"]])
    assert kinds["2022-06-28"] == ("page_or_database", ["database"])
    assert kinds["2025-09-03"] == kinds["2026-03-11"] == ("page_or_data_source", ["data_source"])
    ask.version = "2022-06-28"
    message = ask.refusal("POST", "/search", {"filter": {"property": "object", "value": "data_source"}})[2]
    assert (
        message
        == 'body failed validation: body.filter.value should be `"page"` or `"database"`, instead was `"data_source"`.'
    )
    assert source


def test_search_pages_through_everything_once(ask: Any) -> None:
    made = {ask.page(f"P{n}")["id"] for n in range(7)}
    seen: list[str] = []
    body: dict[str, Any] = {"page_size": 3}
    while True:
        found = ask("POST", "/search", body)
        seen += [one["id"] for one in found["results"]]
        if not found["has_more"]:
            break
        body["start_cursor"] = found["next_cursor"]
    assert len(seen) == len(set(seen)) == 8
    assert made < set(seen)


def test_search_lags_and_omits(emulator: Emulator, ask: Any) -> None:
    emulator.settings.search_lag = 30
    page = ask.page("Fresh")["id"]
    assert page not in {one["id"] for one in ask("POST", "/search", {})["results"]}
    emulator.clock.advance(31)
    assert page in {one["id"] for one in ask("POST", "/search", {})["results"]}
    emulator.settings.search_omits_ids.add(page)
    assert page not in {one["id"] for one in ask("POST", "/search", {})["results"]}


def test_the_trash_is_searched_when_asked(ask: Any) -> None:
    page = ask.page()["id"]
    ask("PATCH", f"/pages/{page}", {"in_trash": True})
    assert page not in {one["id"] for one in ask("POST", "/search", {})["results"]}
    assert [one["id"] for one in ask("POST", "/search", {"filter": {"in_trash": True}})["results"]] == [page]
