"""The commands about rules and alerts: made, tried, listed, switched, removed."""

import asyncio
import json
from pathlib import Path

import pytest
from tests.store.samples import CONNECTION, page
from typer.testing import CliRunner, Result

from syncline.app import App
from syncline.cli.main import app as commands
from syncline.core.event import sync_error
from syncline.delivery.alerts import watch
from syncline.delivery.rules import decide
from syncline.settings import Settings
from syncline.store import connections, events, records

SLACK = "https://hooks.slack.com/services/T1/B2/abcdefgh"


async def _connect() -> None:
    async with App.open(Settings.load()) as app, app.database.begin() as conn:
        await connections.add(conn, CONNECTION, token="ntn_x", ring=app.keys)


async def _appear() -> None:
    async with App.open(Settings.load()) as app:
        async with app.database.begin() as conn:
            await records.upsert(conn, "c", [page("p", title="Row")], run_id="r", now=app.now())
        await decide(app)


async def _fail() -> None:
    async with App.open(Settings.load()) as app:
        async with app.database.begin() as conn:
            failed = sync_error("r", error="Disk full.", phase="content", recoverable=False)
            await events.append(conn, "c", [failed, failed], now=app.now())
        await watch(app)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCLINE_HOME", str(tmp_path))
    asyncio.run(_connect())


def call(*words: str) -> Result:
    return CliRunner().invoke(commands, list(words))


def lines(told: Result) -> list[dict[str, object]]:
    assert told.exit_code == 0, told.stderr
    return [json.loads(line) for line in told.stdout.splitlines()]


def test_a_rule_tells_until_it_is_switched_off_or_removed() -> None:
    (made,) = lines(call("rules", "add", "New", "--on", "appears", "--slack", SLACK, "--json"))
    (rule,) = lines(call("rules", "list", "--json"))
    assert (rule["id"], rule["channels"]) == (made["id"], ["https://hooks.slack.com/…efgh"])
    asyncio.run(_appear())
    (told,) = lines(call("rules", "told", "--state", "waiting", "--json"))
    assert (told["text"], told["rule_id"]) == ("New: Row", made["id"])
    assert call("rules", "disable", str(made["id"])).stdout == "Disabled.\n"
    assert "disabled" in call("rules", "list").stdout
    assert call("rules", "enable", str(made["id"])).stdout == "Enabled.\n"
    assert call("rules", "remove", str(made["id"])).stdout == "Removed.\n"
    assert lines(call("rules", "told", "--json")) == []
    assert "There is no rule" in call("rules", "list").stdout


def test_the_secret_of_a_webhook_is_printed() -> None:
    told = call("rules", "add", "Hook", "--on", "goes", "--webhook", "https://hooks.example.com/in")
    assert "Secret whsec_" in told.stdout


def test_a_preview_prints_the_text_and_makes_no_rule() -> None:
    words = ("--on", "changed", "--property", "Status", "--to", "Done", "--slack", SLACK, "--preview")
    told = call("rules", "add", "Done", *words)
    assert told.stdout.startswith("Roadmap: Status is Done (was Open)\n")
    assert lines(call("rules", "list", "--json")) == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--on", "never", "--slack", SLACK), "choose one of changed, appears"),
        (("--on", "goes"), "channels: name one"),
        (("--on", "goes", "--slack", SLACK, "--template", "{{ titel }}"), "there is no titel"),
    ],
)
def test_what_makes_no_sense_ends_with_one_sentence(words: tuple[str, ...], sentence: str) -> None:
    told = call("rules", "add", "Wrong", *words)
    assert (told.exit_code, sentence in told.stderr) == (2, True)


def test_alerts_are_listed_while_they_are_open() -> None:
    assert call("alerts", "list").stdout == "There is no open alert.\n"
    asyncio.run(_fail())
    (alert,) = lines(call("alerts", "list", "--json"))
    assert (alert["kind"], alert["count"]) == ("sync_failed", 2)
    assert "The last run failed. Disk full." in call("alerts", "list", "--all").stdout
