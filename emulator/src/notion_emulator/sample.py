"""The ``sample`` workspace: the wiki of a small invented company, worth looking at.

Home page, handbook (a wiki), engineering notes, projects, tasks, meetings and people, with every block type that the
API shows, every property type, comments, views, users and files that the emulator serves. Equal on every run: ids and
times are its own.
"""

import re
from collections.abc import Iterable
from random import Random
from typing import Any

from notion_emulator.block_types import stored
from notion_emulator.clock import MINUTE, millis
from notion_emulator.ids import Ids
from notion_emulator.markdown_input import parse
from notion_emulator.objects import Block, CustomEmoji, Database, DataSource, Node, Page, User, View
from notion_emulator.rich_text import plain, text
from notion_emulator.sample_files import FILES
from notion_emulator.sample_pages import ENGINEERING, HANDBOOK, HOME, MEETINGS, OTHER, PROJECTS, TASK_NOTES
from notion_emulator.sample_special import SPECIAL
from notion_emulator.sample_tables import MEETING_ROWS, PEOPLE, PROJECT_ROWS, SCHEMAS, TASKS
from notion_emulator.world import World

__all__ = ["populate"]

Json = dict[str, Any]

START = millis("2026-05-04T05:50:00Z")
STEP = 47 * MINUTE
MAIL = "brackwater.example"
NAMED = re.compile(r"\[\[(.+?)\]\]|@@(\w+)|\{\{(\w+)\}\}")
MIRROR = "dual"


def populate(world: World) -> Page:
    """Fill an empty world; returns the home page."""
    ids = world.ids
    # Its own ids: what the world made before (a connection, for example) must not change them.
    world.ids = Ids(Random(1874), ids.workspace)
    try:
        return _Sample(world).run()
    finally:
        world.ids = ids


class _Sample:
    """The workspace in the making; pages first, so that texts can mention each other."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.at = START
        self.people: dict[str, User] = {}
        self.pages: dict[str, Page] = {}
        self.databases: dict[str, Database] = {}
        self.sources: dict[str, DataSource] = {}
        self.keys: dict[str, str] = {}
        self.originals: list[Block] = []

    def run(self) -> Page:
        self.add_people()
        self.add_files()
        home = self.page(None, "Brackwater Lanterns", icon=self.emoji(), cover=self.hosted("harbour.svg"))
        for title in ("Engineering", "Design notebook", "Archive"):
            self.page(home, title, icon={"type": "icon", "icon": {"name": "book", "color": "brown"}})
        self.add_databases(home)
        self.add_rows()
        for title in ENGINEERING:
            if title != "Engineering":
                self.page(self.pages["Engineering"], title, by="Nadia")
        for title in ("The Merrow lantern, 2021", "A letter from Sandholm"):
            self.page(self.pages["Archive"], title, by="Julian")
        self.fill()
        self.discuss()
        return home

    # Pieces

    def tick(self) -> int:
        self.at += STEP
        return self.at

    def page(self, parent: Node | None, title: str, *, by: str = "Iris", **fields: Any) -> Page:
        made = self.world.create_page(parent, title, by=self.people[by].id, at=self.tick(), **fields)
        self.pages[title] = made
        return made

    def add_people(self) -> None:
        for name, _, _, mail, _, _ in PEOPLE:
            first = name.split()[0]
            self.people[first] = self.world.add_user(name, email=f"{mail}@{MAIL}")
        self.world.add_user("Petra Lowe", email=f"petra@guest.{MAIL}", guest=True)
        self.people["Former"] = self.world.add_user("Former colleague", removed=True)

    def add_files(self) -> None:
        for name, (kind, data) in FILES.items():
            self.keys[name] = self.world.store_file(name, data, content_type=kind).key

    def hosted(self, name: str) -> Json:
        return {"type": "file", "file": {"key": self.keys[name]}}

    def emoji(self) -> Json:
        emoji = CustomEmoji(id=self.world.ids.random_v4(), name="lantern", key=self.keys["lantern.svg"])
        self.world.emojis[emoji.id] = emoji
        return {"type": "custom_emoji", "custom_emoji": {"id": emoji.id}}

    def users(self, *names: str) -> list[Json]:
        return [{"object": "user", "id": self.people[name].id} for name in names]

    # Databases

    def add_databases(self, home: Page) -> None:
        icons = {"People": "👥", "Projects": "🗺️", "Tasks": "☑️", "Meetings": "🗓️", "Handbook": "📖"}
        for name in SCHEMAS:
            at, by = self.tick(), self.people["Bea"].id
            icon = {"type": "emoji", "emoji": icons[name]}
            database = self.world.create_database(
                home, name, at=at, by=by, icon=icon, is_inline=name == "Tasks"
            )
            self.databases[name] = database
            self.sources[name] = self.world.create_data_source(database, name, at=at, by=by, icon=icon)
        for name, source in self.sources.items():
            source.properties = {key: self.entry(key, *rest) for key, *rest in SCHEMAS[name]}
            self.add_views(name, source)

    def entry(self, key: str, name: str, kind: str, config: Any) -> Json:
        if kind == MIRROR:
            kind, config = "relation", self.relation(*config)
        elif kind == "rollup":
            config = _rollup(*config)
        return {"id": key, "name": name, "description": None, "type": kind, kind: config}

    def relation(self, target: str, mirror: str, mirror_name: str) -> Json:
        source = self.sources[target]
        synced = {"synced_property_name": mirror_name, "synced_property_id": mirror}
        return {
            "database_id": source.parent_id, "data_source_id": source.id, "type": "dual_property",
            "dual_property": synced,
        }  # fmt: skip

    def add_views(self, name: str, source: DataSource) -> None:
        wanted: list[tuple[str, str, Json]] = [("Default view", "table", {"type": "table"})]
        status = next((one["id"] for one in source.properties.values() if one["type"] == "status"), None)
        if status:
            group = {"type": "status", "property_id": status, "group_by": "group", "sort": {"type": "manual"}}
            wanted.append(("Board", "board", {"type": "board", "group_by": group}))
        if name == "Meetings":
            wanted.append(("Calendar", "calendar", {"type": "calendar", "date_property_id": "dAte"}))
        for title, kind, configuration in wanted:
            view = View(
                id=self.world.ids.random_v4(), database_id=source.parent_id, data_source_id=source.id, name=title,
                type=kind, created=self.at, edited=self.at, created_by=source.created_by,
                edited_by=source.created_by, configuration=configuration,
            )  # fmt: skip
            self.world.views[view.id] = view
            self.databases[name].views.append(view.id)

    # Rows

    def add_rows(self) -> None:
        for writer in (
            self.person_rows,
            self.project_rows,
            self.task_rows,
            self.meeting_rows,
            self.handbook_rows,
        ):
            writer()

    def row(self, table: str, title: str, *, values: Json, by: str, icon: str | None = None) -> Page:
        """A row; ``values`` are by property name."""
        schema = {entry["name"]: entry for entry in self.sources[table].properties.values()}
        stored_values = {schema[name]["id"]: value for name, value in values.items()}
        shown = {"type": "emoji", "emoji": icon} if icon else None
        return self.page(self.sources[table], title, by=by, properties=stored_values, icon=shown)

    def pick(self, table: str, name: str, wanted: str) -> Json:
        entry = next(one for one in self.sources[table].properties.values() if one["name"] == name)
        found = next(one for one in entry[entry["type"]]["options"] if one["name"] == wanted)
        return {key: found[key] for key in ("id", "name", "color")}

    def relate(self, table: str, row: Page, name: str, others: Iterable[Page]) -> None:
        """Both sides of a dual relation."""
        entry = next(one for one in self.sources[table].properties.values() if one["name"] == name)
        mirror = entry["relation"]["dual_property"]["synced_property_id"]
        for other in others:
            row.properties[entry["id"]] = [*row.properties.get(entry["id"], []), {"id": other.id}]
            other.properties[mirror] = [*other.properties.get(mirror, []), {"id": row.id}]

    def person_rows(self) -> None:
        for number, (name, role, team, mail, since, key) in enumerate(PEOPLE):
            desk = {
                "lat": 54.7,
                "lon": 11.2,
                "name": team,
                "address": "Slip Lane 4",
                "aws_place_id": None,
                "google_place_id": None,
            }
            picture = {"name": "lantern.svg", **self.hosted("lantern.svg")}
            self.row(
                "People", name, by="Bea", values={
                    "Role": plain(role), "Team": self.pick("People", "Team", team), "Email": f"{mail}@{MAIL}",
                    "Phone": f"+44 1632 9600{number:02d}", "Account": self.users(name.split()[0]),
                    "Since": _day(since), "Has a key": key, "Page": f"https://www.example.com/brackwater/{mail}",
                    "Place": desk, "Picture": [picture] if number % 2 == 0 else [],
                },
            )  # fmt: skip

    def project_rows(self) -> None:
        for name, stage, priority, tags, owner, start, end, budget, spent, team in PROJECT_ROWS:
            papers = (
                [{"name": "survey.txt", **self.hosted("survey.txt")}] if name == "Sandholm pier light" else []
            )
            row = self.row(
                "Projects", name, by=owner, icon="🏮", values={
                    "Stage": self.pick("Projects", "Stage", stage), "Owner": self.users(owner),
                    "Priority": self.pick("Projects", "Priority", priority), "When": _day(start, end),
                    "Tags": [self.pick("Projects", "Tags", tag) for tag in tags], "Budget": budget, "Spent": spent,
                    "Papers": papers,
                },
            )  # fmt: skip
            full = {name.split()[0]: name for name, *_ in PEOPLE}
            self.relate("Projects", row, "Team", [self.pages[full[first]] for first in team])

    def task_rows(self) -> None:
        for name, project, who, due, hours, kind, done, remark in TASKS:
            state = "Done" if done else "In progress" if hours and hours >= 8 else "Not started"
            row = self.row(
                "Tasks", name, by=who or "Bea", values={
                    "Done": done, "Status": self.pick("Tasks", "Status", state), "Due": _day(due) if due else None,
                    "Who": self.users(who) if who else [], "Hours": hours, "Kind": self.pick("Tasks", "Kind", kind),
                    "Remark": plain(remark),
                },
            )  # fmt: skip
            if project:
                self.relate("Tasks", row, "Project", [self.pages[project]])

    def meeting_rows(self) -> None:
        for name, start, end, kind, attendees, decisions in MEETING_ROWS:
            self.row(
                "Meetings", name, by=attendees[0], values={
                    "Date": _day(start, end), "Kind": self.pick("Meetings", "Kind", kind),
                    "Attendees": self.users(*attendees), "Decisions": plain(decisions),
                    "Minutes": [{"name": "Minutes", "type": "external", "external": {"url": "https://files.example.com/minutes.txt"}}],
                },
            )  # fmt: skip

    def handbook_rows(self) -> None:
        for number, title in enumerate(HANDBOOK):
            state = ("verified", "unverified", "expired")[number % 3]
            until = {
                "start": "2026-05-20",
                "end": "2026-06-20" if state == "expired" else None,
                "time_zone": None,
            }
            verification = {
                "state": state, "date": None if state == "unverified" else until,
                "verified_by": None if state == "unverified" else self.users("Bea")[0],
            }  # fmt: skip
            tag = self.pick("Handbook", "Tags", ("Start", "Rules", "Custom")[number % 3])
            self.row(
                "Handbook",
                title,
                values={"Verification": verification, "Owner": self.users("Bea"), "Tags": [tag]},
                by="Bea",
            )

    # Content

    def fill(self) -> None:
        self.write(self.pages["Brackwater Lanterns"], HOME)
        for texts in (HANDBOOK, ENGINEERING, OTHER, PROJECTS, MEETINGS, TASK_NOTES):
            for title, markdown in texts.items():
                self.write(self.pages[title], markdown)

    def write(self, page: Page, markdown: str) -> None:
        """The blocks of a Markdown text, before the child pages and databases that are there already."""
        standing, page.children = page.children, []
        self.add(page, parse(NAMED.sub(self.named, markdown)), page)
        page.children += standing
        page.edited = max(page.edited, self.tick())

    def named(self, found: re.Match[str]) -> str:
        title, person, database = found.groups()
        if title:
            return f'<mention-page url="{self.pages[title].id}"/>'
        if person:
            return f'<mention-user url="user://{self.people[person].id}"/>'
        return f'<mention-database url="{self.databases[database].id}"/>'

    def add(self, parent: Node, blocks: list[Json], page: Page) -> None:
        for block in blocks:
            kind = block["type"]
            special = _special(block)
            if special:
                name, _, rest = special.partition(" ")
                SPECIAL[name](self, parent, rest)
            else:
                made = self.block(parent, kind, stored(self.world, kind, block[kind]), page=page)
                self.add(made, block[kind].get("children", []), page)

    def block(self, parent: Node, kind: str, content: Json, *, page: Page | None = None) -> Block:
        owner = page or self.world.page_of(parent)
        by = owner.created_by if owner else None
        return self.world.add_block(parent, kind, content, by=by, at=self.at, via="80")

    def paragraph(self, parent: Node, shown: str) -> Block:
        return self.block(parent, "paragraph", {"rich_text": plain(shown), "icon": None, "color": "default"})

    # Talk

    def discuss(self) -> None:
        project = self.pages["Sandholm pier light"]
        first = self.remark(project, "Julian", "The harbour master asks whether the gulls are included.")
        self.remark(project, "Tomas", "Only at night.", thread=first)
        self.remark(self.pages["Quarter review"], "Bea", "Eleven days is the median, not the mean.")
        heading = next(
            one for one in self.world.alive(project) if isinstance(one, Block) and one.type == "heading_2"
        )
        self.remark(heading, "Iris", "Please add what it is for, not only what it is.")
        self.remark(self.pages["Buy mugs"], "Emeka", "One each. I mean it.")

    def remark(self, on: Node, who: str, words: str, *, thread: str | None = None) -> str:
        by = self.people[who]
        name = {"type": "user", "resolved_name": by.name}
        comment = self.world.add_comment(
            on, [text(words)], by=by.id, at=self.tick(), discussion_id=thread, display_name=name
        )
        return comment.discussion_id


def _day(start: str, end: str | None = None) -> Json:
    return {"start": start, "end": end, "time_zone": None}


def _rollup(relation: str, relation_name: str, rolled: str, rolled_name: str, function: str) -> Json:
    return {
        "rollup_property_name": rolled_name, "relation_property_name": relation_name, "rollup_property_id": rolled,
        "relation_property_id": relation, "function": function,
    }  # fmt: skip


def _special(block: Json) -> str | None:
    """``name argument`` of a paragraph that is a directive."""
    runs = block["paragraph"]["rich_text"] if block["type"] == "paragraph" else []
    content = runs[0].get("text", {}).get("content", "") if runs else ""
    return content[1:] if content.startswith("%") else None
