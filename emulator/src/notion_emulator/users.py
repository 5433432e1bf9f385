"""Users: the people and bots of the workspace (https://developers.notion.com/reference/user)."""

from notion_emulator.call import Answer, Call
from notion_emulator.objects import Json, User
from notion_emulator.paging import envelope, page_of_ids, query_paging

__all__ = ["list_all", "me", "retrieve"]


def _whole(call: Call, user: User) -> Json:
    """The form of the users' own operations: our bot with its owner, other bots bare."""
    shown = call.user(user.id)
    if user.id == call.connection.bot_id:
        name = {"name": user.name, "avatar_url": user.avatar_url, "type": "bot"}
        return {"object": "user", "id": user.id, **name, "bot": _bot(call, user)}
    return shown


def _bot(call: Call, user: User) -> Json:
    world = call.world
    workspace: Json = {"type": "workspace", "workspace": True}
    return {
        "owner": {"type": "user", "user": call.user(user.owner)} if user.owner else workspace,
        "workspace_name": world.name,
        "workspace_id": world.id,
        "workspace_limits": {"max_file_upload_size_in_bytes": world.settings.max_upload},
    }


def me(call: Call) -> Answer:
    """``GET /users/me``: the bot of this connection; needs no capability."""
    return Answer(_whole(call, call.world.users[call.connection.bot_id]))


def retrieve(call: Call) -> Answer:
    """``GET /users/{user_id}``: 404 for the unknown and the removed."""
    call.allow("read_users")
    user = call.world.users.get(call.path["user_id"])
    if user is None or user.removed:
        raise call.missing("user", call.path["user_id"])
    return Answer(_whole(call, user))


def list_all(call: Call) -> Answer:
    """``GET /users``: members and bots; guests are never listed."""
    call.allow("read_users")
    cursor, size = query_paging(call)
    users = call.world.users
    listed = [id for id, user in users.items() if not user.guest and not user.removed]
    ids, following = page_of_ids(listed, cursor, size=size)
    return Answer(envelope([_whole(call, users[id]) for id in ids], "user", following))
