from typing import Any

from notion_emulator import Emulator


def test_members_and_bots_are_listed_but_no_guest(emulator: Emulator, ask: Any) -> None:
    world = emulator.world
    ada = world.add_user("Ada", email="ada@example.com")
    world.add_user("Guest", guest=True)
    gone = world.add_user("Gone", removed=True)
    other = world.connect("Other")
    shown = {one["id"]: one for one in ask("GET", "/users")["results"]}
    assert set(shown) == {emulator.connection.bot_id, ada.id, other.bot_id}
    assert shown[ada.id]["person"] == {"email": "ada@example.com", "email_verified": True}
    assert shown[other.bot_id]["bot"] == {}
    assert ask.refusal("GET", f"/users/{gone.id}")[2].startswith(f"Could not find user with ID: {gone.id}.")


def test_e_mail_needs_its_capability(emulator: Emulator, ask: Any) -> None:
    ada = emulator.world.add_user("Ada", email="ada@example.com")
    emulator.connection.capabilities -= {"read_emails"}
    assert ask("GET", f"/users/{ada.id}")["person"] == {}


def test_a_personal_token_writes_in_its_owner_s_name(emulator: Emulator, ask: Any) -> None:
    ada = emulator.world.add_user("Ada")
    ask.token = emulator.world.connect("Ada's token", kind="personal", owner=ada.id).token
    assert ask.page()["created_by"]["id"] == ada.id
    private = ask("POST", "/pages", {"properties": {}})
    assert private["parent"] == {"type": "workspace", "workspace": True}
    assert ask("GET", "/users/me")["bot"]["owner"]["user"]["name"] == "Ada"
