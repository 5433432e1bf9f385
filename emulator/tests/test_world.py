from notion_emulator import World


def test_the_nearest_grant_decides() -> None:
    world = World()
    connection = world.connect("C", all_pages=False)
    root = world.create_page(None, "root")
    middle = world.create_page(root, "middle")
    leaf = world.add_block(middle, "paragraph", {"rich_text": []})
    assert not world.can_reach(connection, leaf)
    world.share(connection, root.id)
    assert world.can_reach(connection, leaf)
    world.unshare(connection, middle.id)
    assert world.can_reach(connection, root)
    assert not world.can_reach(connection, leaf)
    world.share(connection, leaf.id)
    assert world.can_reach(connection, leaf)


def test_equal_seeds_give_equal_worlds() -> None:
    ids = []
    for _ in range(2):
        world = World(seed=3)
        world.connect("C")
        ids.append([world.id, world.create_page(None, "a", at=0).id, world.create_database(None, at=0).id])
    assert ids[0] == ids[1]


def test_what_is_late_happens_when_the_clock_has_moved() -> None:
    world = World()
    done: list[int] = []
    world.clock.freeze(0)
    for number in (3, 1):
        world.later(number, lambda number=number: done.append(number))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
    world.settle()
    assert done == []
    world.clock.advance(2)
    world.settle()
    assert done == [1]
    world.clock.advance(2)
    world.settle()
    assert done == [1, 3]


def test_observers_hear_what_happened() -> None:
    world = World()
    heard: list[str] = []
    world.observers.append(lambda event: heard.append(event.type))
    page = world.create_page(None, "a")
    world.update_page(page, is_locked=True)
    world.trash(page)
    world.trash(page)
    world.restore(page)
    database = world.create_database(page)
    source = world.create_data_source(database)
    world.change_schema(
        source, {**source.properties, "x": {"id": "x", "name": "X", "type": "checkbox", "checkbox": {}}}
    )
    assert heard == [
        "page.created", "page.locked", "page.deleted", "page.undeleted", "page.content_updated", "database.created", "data_source.created",
        "data_source.schema_updated",
    ]  # fmt: skip
