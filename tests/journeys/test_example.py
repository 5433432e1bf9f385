"""The example: pushed twice, the second time nothing is to be done; its dashboard stays as it is."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from tests.mapping.cadence import EXAMPLE

NOTHING = ("created", "updated", "skipped", "failed", "ambiguous", "conflicts", "deleted")


def reports(**environment: str) -> list[Any]:
    """Run the example; what it prints."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLE / "run.py")],
        env={name: value for name, value in os.environ.items() if not name.startswith("SYNCLINE_")}
        | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_the_second_push_of_the_example_has_nothing_but_unchanged(
    dialect: str, request: pytest.FixtureRequest
) -> None:
    place = {} if dialect == "sqlite" else {"CADENCE_URL": request.getfixturevalue("postgres_url")}
    first, second = reports(**place)
    made = {name: (table["created"], table["updated"]) for name, table in first["tables"].items()}
    assert made == {
        "people": (8, 2),
        "projects": (5, 1),
        "tasks": (10, 0),
        "checklist": (3, 0),
        "meetings": (5, 0),
        "documents": (6, 0),
    }
    assert first["findings"] == []
    for table in second["tables"].values():
        assert {name: table[name] for name in NOTHING} == dict.fromkeys(NOTHING, 0)
        assert table["unchanged"] > 0
    assert sum(table["unchanged"] for table in second["tables"].values()) == 40
    assert first["dashboards"] == {"blocks": 22, "differences": []}
    assert second["dashboards"]["differences"] == []
