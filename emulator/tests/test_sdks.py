"""The official JavaScript SDK and the Python SDK, as published, through every method they have."""

import json
from collections.abc import Iterator

import pytest
from emulator.conformance.environments import FOLDER, missing_npm, node_script, python_environment, run

from notion_emulator import Emulator
from notion_emulator.server import ServerThread

VERSIONS = ("2025-09-03", "2026-03-11")


@pytest.fixture
def served() -> Iterator[tuple[Emulator, str]]:
    emulator = Emulator()
    emulator.world.add_user("Iris Vale", email="iris@quay.example")
    with ServerThread(emulator) as server:
        yield emulator, server.url


def told(served: tuple[Emulator, str], version: str, *command: str) -> None:
    """Run a scenario and check that no step failed and no method was left out."""
    emulator, url = served
    client = emulator.oauth.register(name="SDK")
    secrets = {"CLIENT_ID": client.id, "CLIENT_SECRET": client.secret, "CODE": emulator.oauth.grant(client)}
    result = json.loads(
        run(*command, url, emulator.token, emulator.root_page_id, version, environment=secrets)
    )
    assert {name: problem for name, problem in result["steps"].items() if problem} == {}
    assert set(result["methods"]) - set(result["called"]) == set()


@pytest.mark.timeout(600)
@pytest.mark.skipif(missing_npm(), reason="npm and node are not installed")
@pytest.mark.parametrize("version", VERSIONS)
def test_the_javascript_sdk_works_through_all_its_methods(served: tuple[Emulator, str], version: str) -> None:
    told(served, version, "node", str(node_script("sdk.mjs")))


@pytest.mark.timeout(600)
@pytest.mark.skipif(missing_npm(), reason="npm and node are not installed")
def test_the_last_javascript_sdk_before_data_sources_works_through_all_its_methods(
    served: tuple[Emulator, str],
) -> None:
    told(served, "2022-06-28", "node", str(node_script("sdk_2022.mjs")))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_python_sdk_works_through_all_its_methods(served: tuple[Emulator, str], version: str) -> None:
    told(served, version, str(python_environment("sdk", "notion-client==3.1.0")), str(FOLDER / "sdk.py"))
