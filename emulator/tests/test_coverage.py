"""COVERAGE.md is up to date, and what the emulator serves is proved by a test."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def coverage() -> Any:
    spec = importlib.util.spec_from_file_location("emulator_coverage", FOLDER / "conformance" / "coverage.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tests(coverage: Any) -> Any:
    return coverage.proofs()


def test_whatever_is_served_is_proved(coverage: Any, tests: Any) -> None:
    unproved = [
        f"{row.part}: {row.name}"
        for row in coverage.rows()
        if row.served and coverage.proof(row, tests) is None
    ]
    assert unproved == []


def test_the_file_is_up_to_date(coverage: Any, tests: Any) -> None:
    assert (FOLDER / "COVERAGE.md").read_text() == coverage.written(tests), (
        "run: python conformance/coverage.py"
    )


def test_an_unproved_row_would_be_noticed(coverage: Any, tests: Any) -> None:
    row = coverage.Row("Operations", "GET /dragons", True, (coverage._called("GET", "/dragons"),))
    assert coverage.proof(row, tests) is None
