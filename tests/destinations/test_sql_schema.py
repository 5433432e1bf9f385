from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from syncline.destinations.sql_columns import Shape
from syncline.destinations.sql_schema import (
    KEY,
    AddColumn,
    CreateLinks,
    CreateTable,
    DropColumn,
    DropTable,
    RenameColumn,
    RenameTable,
    Step,
    TableBinding,
    dropped,
    planned,
    reshaped,
)
from syncline.notion.values import Property


class Tables:
    """A database without data: the tables and columns there are. A step that is impossible fails."""

    def __init__(self, **tables: set[str]) -> None:
        self.tables = tables

    def carry_out(self, steps: Iterable[Step]) -> None:
        for step in steps:
            match step:
                case CreateTable(name):
                    self._new(name, {KEY})
                case CreateLinks(name):
                    self._new(name, set())
                case DropTable(name):
                    del self.tables[name]
                case RenameTable(old, new):
                    self._new(new, self.tables.pop(old))
                case AddColumn(table, name, _, _):
                    self._add(table, name)
                case DropColumn(table, name):
                    self.tables[table].remove(name)
                case RenameColumn(table, old, new):
                    self.tables[table].remove(old)
                    self._add(table, new)

    def _new(self, name: str, columns: set[str]) -> None:
        assert name not in self.tables
        self.tables[name] = columns

    def _add(self, table: str, name: str) -> None:
        assert name not in self.tables[table]
        self.tables[table].add(name)

    def follow(self, held: TableBinding | None, title: str, schema: list[Property]) -> TableBinding:
        columns = self.tables[held.name] if held else set()
        plan = planned(held, "s", title=title, schema=schema, tables=self.tables, columns=columns)
        self.carry_out(plan.steps)
        return plan.binding


def prop(key: str, name: str, kind: str) -> Property:
    return Property(key, name, kind, {})


titles = st.sampled_from(["Tasks", "tasks", "Jobs", "", "Order", "Mine"])
names = st.sampled_from(["Due", "due", "Due end", "", "Order", "page_id", "Ref", "Note", "Due_2"])
types = st.sampled_from(["title", "number", "date", "relation", "people", "formula", "button", "novelty"])
schemas = st.dictionaries(st.sampled_from("abcd"), st.tuples(names, types), max_size=4).map(
    lambda found: [prop(key, *entry) for key, entry in found.items()]
)


@given(st.lists(st.tuples(titles, schemas), min_size=1, max_size=6))
def test_the_steps_lead_to_what_the_binding_says(stages: list[tuple[str, list[Property]]]) -> None:
    database = Tables(mine={"x"}, jobs__ref=set())
    held: TableBinding | None = None
    for title, schema in stages:
        held = database.follow(held, title, schema)
        if len(database.tables[held.name] & {"note"}) == 0:
            database.tables[held.name].add("note")  # a column of other people's
        columns = {KEY, "note"} | {name for binding in held.columns for name in binding.columns}
        links = {binding.links for binding in held.columns if binding.links}
        assert database.tables[held.name] == columns
        assert database.tables.keys() == {"mine", "jobs__ref", held.name} | links
        assert {binding.property_id for binding in held.columns} == {
            entry.id for entry in schema if entry.type != "button"
        }
    assert held is not None
    database.carry_out(dropped(held))
    assert database.tables == {"mine": {"x"}, "jobs__ref": set()}


def test_a_schema_that_did_not_change_needs_no_steps() -> None:
    schema = [prop("a", "Due", "date"), prop("b", "Ref", "relation"), prop("c", "Sum", "formula")]
    held = Tables().follow(None, "Tasks", schema)
    columns = {name for binding in held.columns for name in binding.columns}
    plan = planned(held, "s", title="Tasks", schema=schema, tables={"tasks", "tasks__ref"}, columns=columns)
    assert (plan.steps, plan.refill, plan.binding) == ((), False, held)


def test_a_title_that_gives_the_same_name_renames_nothing() -> None:
    held = Tables().follow(None, "Tasks", [prop("a", "Due", "number")])
    plan = planned(
        held, "s", title="tasks!", schema=[prop("a", "due?", "number")], tables={"tasks"}, columns={"due"}
    )
    assert plan.steps == ()
    assert (plan.binding.title, plan.binding.columns[0].title) == ("tasks!", "due?")


def test_a_formula_keeps_the_shape_its_results_gave_it() -> None:
    schema = [prop("a", "Sum", "formula")]
    held = Tables().follow(None, "Tasks", schema)
    plan = reshaped(held, {"a": Shape.DATE}, tables={"tasks"}, columns={"sum"})
    assert [type(step) for step in plan.steps] == [DropColumn, *[AddColumn] * 4]
    again = planned(
        plan.binding,
        "s",
        title="Tasks",
        schema=schema,
        tables={"tasks"},
        columns=plan.binding.columns[0].columns,
    )
    assert again.steps == ()
