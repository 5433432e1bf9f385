"""The Dockerfile and compose.yaml agree with the program: its commands, its settings, its port, the files that are there."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from syncline.cli.main import app
from syncline.serve import Asked
from syncline.settings import Settings

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
SERVICES: dict[str, Any] = COMPOSE["services"]


def instructions(name: str) -> list[str]:
    """What stands behind each instruction of a name."""
    return re.findall(rf"^{name} (.*)$", DOCKERFILE.replace("\\\n", " "), re.MULTILINE)


def understood(words: list[str]) -> dict[str, Any]:
    """The options of a command line as the program reads them; fails where it reads none."""
    commands: dict[str, Any] = vars(typer.main.get_command(app))["commands"]
    command = commands[words[0]]
    params: dict[str, Any] = command.make_context(words[0], words[1:]).params
    return params


def test_two_api_nodes_and_two_workers_share_one_postgresql() -> None:
    roles = {
        name: (understood(service["command"])["role"], service["deploy"]["replicas"])
        for name, service in SERVICES.items()
        if "command" in service
    }
    assert roles == {"api": ("api", 2), "worker": ("worker", 2)}
    assert set(SERVICES) == {"api", "worker", "postgres"}
    assert all(
        service["depends_on"] == {"postgres": {"condition": "service_healthy"}}
        for name, service in SERVICES.items()
        if name in roles
    )


@pytest.mark.parametrize("name", ["api", "worker"])
def test_each_variable_is_a_setting_and_the_store_is_the_server_beside(name: str) -> None:
    environment = SERVICES[name]["environment"]
    known = {f"SYNCLINE_{field.upper()}" for field in Settings.model_fields}
    assert environment.keys() <= known
    postgres = SERVICES["postgres"]["environment"]
    url = environment["SYNCLINE_DATABASE_URL"]
    wanted = f"postgresql://{postgres['POSTGRES_USER']}:{postgres['POSTGRES_PASSWORD']}@postgres/{postgres['POSTGRES_DB']}"
    assert url == wanted


def test_the_port_is_the_programs_own() -> None:
    command = understood(SERVICES["api"]["command"])
    (ports,) = SERVICES["api"]["ports"]
    assert command["host"] == "0.0.0.0"
    assert command["port"] == int(ports.rpartition(":")[2]) == Asked().port
    assert instructions("EXPOSE") == [str(Asked().port)]


def test_the_image_copies_what_is_there_and_starts_the_program() -> None:
    copied = [source for line in instructions("COPY") for source in shlex.split(line)[:-1]]
    assert {"pyproject.toml", "src", "constraints.txt"} <= set(copied)
    assert [one for one in copied if not (ROOT / one).exists()] == []
    assert instructions("ENTRYPOINT") == ['["syncline"]']
    (words,) = instructions("CMD")
    assert understood(yaml.safe_load(words))["host"] == "0.0.0.0"


def test_the_server_has_the_time_that_a_gentle_end_takes() -> None:
    assert instructions("STOPSIGNAL") == ["SIGTERM"]
    assert int(SERVICES["api"]["stop_grace_period"].removesuffix("s")) > 10
