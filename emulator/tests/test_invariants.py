"""Whatever is done through the API, in whatever order: the tree stays a tree and what is listed is what lives."""

import json
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from notion_emulator import Emulator
from notion_emulator.objects import DataSource, Page
from notion_emulator.service import Request, respond
from notion_emulator.snapshot import dump, load

HERE = st.integers(0, 10_000)


class Tree(RuleBasedStateMachine):
    """One emulator and random writes to random places of it."""

    def __init__(self) -> None:
        super().__init__()
        self.emulator = Emulator()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"authorization": f"Bearer {self.emulator.token}", "notion-version": "2026-03-11"}
        data = b"" if body is None else json.dumps(body).encode()
        answer = respond(self.emulator, Request(method, f"/v1{path}", "", headers, data))
        assert answer.status in (200, 400), answer.body
        return json.loads(answer.body)

    def pick(self, ids: list[str], place: int) -> str:
        return ids[place % len(ids)]

    @property
    def pages(self) -> list[str]:
        return list(self.emulator.world.pages)

    @rule(place=HERE, blocks=st.integers(0, 3))
    def make_page(self, place: int, blocks: int) -> None:
        children: list[Any] = [{"toggle": {"rich_text": [], "children": [{"divider": {}}]}}] * blocks
        self.ask(
            "POST",
            "/pages",
            {"parent": {"page_id": self.pick(self.pages, place)}, "properties": {}, "children": children},
        )

    @rule(place=HERE)
    def make_database(self, place: int) -> None:
        parent = {"type": "page_id", "page_id": self.pick(self.pages, place)}
        self.ask(
            "POST",
            "/databases",
            {"parent": parent, "initial_data_source": {"properties": {"N": {"title": {}}}}},
        )

    @rule(place=HERE)
    def make_row(self, place: int) -> None:
        if sources := list(self.emulator.world.data_sources):
            self.ask(
                "POST", "/pages", {"parent": {"data_source_id": self.pick(sources, place)}, "properties": {}}
            )

    @rule(place=HERE, onto=HERE, into=st.sampled_from(["page", "source"]))
    def move_page(self, place: int, onto: int, into: str) -> None:
        sources = list(self.emulator.world.data_sources)
        if into == "source" and sources:
            parent = {"data_source_id": self.pick(sources, onto)}
        else:
            parent = {"page_id": self.pick(self.pages, onto)}
        self.ask("POST", f"/pages/{self.pick(self.pages, place)}/move", {"parent": parent})

    @rule(place=HERE, onto=HERE)
    def move_database(self, place: int, onto: int) -> None:
        if databases := list(self.emulator.world.databases):
            self.ask(
                "PATCH",
                f"/databases/{self.pick(databases, place)}",
                {"parent": {"page_id": self.pick(self.pages, onto)}},
            )

    @rule(place=HERE, onto=HERE)
    def move_source(self, place: int, onto: int) -> None:
        world = self.emulator.world
        if world.databases:
            id, database = (
                self.pick(list(world.data_sources), place),
                self.pick(list(world.databases), onto),
            )
            self.ask("PATCH", f"/data_sources/{id}", {"parent": {"database_id": database}})

    @rule(place=HERE, trash=st.sampled_from([{"in_trash": True}, {"in_trash": False}]))
    def trash_or_restore(self, place: int, trash: Any) -> None:
        nodes = [id for id, one in self.emulator.world.nodes.items() if not isinstance(one, DataSource)]
        self.ask("PATCH", f"/blocks/{self.pick(nodes, place)}", trash)

    @rule(place=HERE, markdown=st.sampled_from(["text", "- a\n\t- b", "# h\n---\ntext", ""]))
    def rewrite(self, place: int, markdown: str) -> None:
        body = {
            "type": "replace_content",
            "replace_content": {"new_str": markdown, "allow_deleting_content": True},
        }
        self.ask("PATCH", f"/pages/{self.pick(self.pages, place)}/markdown", body)

    @invariant()
    def everything_stands_in_one_place(self) -> None:
        world = self.emulator.world
        standing = list(world.top)
        for node in world.nodes.values():
            standing += node.children
            if isinstance(node, DataSource):
                standing += node.rows
        standing += [id for database in world.databases.values() for id in database.data_sources]
        assert sorted(standing) == sorted(world.nodes)
        for node in world.nodes.values():
            *_, last = world.lineage(node)
            assert last.parent_kind == "workspace"

    @invariant()
    def what_is_listed_is_what_lives(self) -> None:
        world = self.emulator.world
        for id in self.pages[:5]:
            page = world.pages[id]
            listed = [one["id"] for one in self.ask("GET", f"/blocks/{id}/children")["results"]]
            assert listed == ([] if world.in_trash(page) else [one.id for one in world.alive(page)])
            shown = self.ask("GET", f"/pages/{id}")
            assert shown["in_trash"] == world.in_trash(page)
            assert isinstance(page, Page)

    def teardown(self) -> None:
        saved = dump(self.emulator.world)
        assert dump(load(saved)) == saved


TestTree = Tree.TestCase
TestTree.settings = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
