"""Rules: what is worth telling whom (``/api/v1/rules``), and what they told (``/api/v1/notifications``)."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from syncline.api.deps import Access, ServiceOf, allow
from syncline.api.envelope import Asked, Done, Model, Moment, Success
from syncline.api.errors import answers
from syncline.core.errors import BadInput, NotFound
from syncline.core.permission import Permission
from syncline.core.rules import Channel, ChannelKind, Rule, Trigger, masked
from syncline.delivery import rules as engine
from syncline.store import notifications, rules
from syncline.store.notifications import State

__all__ = ["Cursor", "before", "cursor", "router"]

router = APIRouter(prefix="/api/v1", tags=["notifications"])

Settings = Annotated[Access, allow(Permission.EDIT_SETTINGS)]
_Text = Annotated[str, Field(max_length=500)]
_Template = Annotated[str, Field(max_length=5000)]


Cursor = Annotated[
    str | None, Query(alias="cursor", pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z_\w{1,80}$")
]
"""A place in a listing by time."""


class AskedChannel(Asked):
    """Where to tell: the address of an incoming webhook of Slack, of a webhook, or of mail."""

    kind: ChannelKind
    target: str = Field(max_length=2000, examples=["https://hooks.slack.com/services/T000/B000/XXXX"])


_Channels = Annotated[list[AskedChannel], Field(min_length=1, max_length=10)]


class NewRule(Asked):
    """A rule to be made, or to be tried. `from` and `to` are values as texts; a list counts by its entries."""

    name: str = Field(min_length=1, max_length=200, examples=["Done"])
    trigger: Trigger
    stream: _Text | None = Field(default=None, description="A data source's id; rows of all streams without")
    property: _Text | None = Field(default=None, examples=["Status"])
    was: _Text | None = Field(default=None, alias="from", examples=["In progress"])
    becomes: _Text | None = Field(default=None, alias="to", examples=["Done"])
    channels: _Channels
    template: _Template = Field(default="", examples=["{{ title }} is {{ new }}"])
    digest: _Text = Field(default="off", examples=["30m"])
    zone: _Text = Field(default="UTC", examples=["Europe/Berlin"])
    quiet: _Text | None = Field(default=None, examples=["22:00-07:00"])
    workspace_id: str | None = None


class ChangedRule(Asked):
    """What is to be different; what is left out stays. Channels are replaced as a whole. An empty `quiet` means none."""

    name: str | None = Field(default=None, min_length=1, max_length=200)
    channels: _Channels | None = None
    template: _Template | None = None
    digest: _Text | None = None
    zone: _Text | None = None
    quiet: _Text | None = None
    enabled: bool | None = None
    workspace_id: str | None = None


class ShownChannel(Model):
    """A channel. Of an address only the host is shown; a webhook's secret when it is made, and not again."""

    kind: ChannelKind
    target: str = Field(examples=["https://hooks.slack.com/…XXXX"])
    secret: str | None = Field(default=None, examples=[None])


class Shown(Model):
    """A rule."""

    id: str
    name: str = Field(examples=["Done"])
    trigger: Trigger
    stream: str | None
    property: str | None = Field(examples=["Status"])
    was: str | None = Field(serialization_alias="from", examples=[None])
    becomes: str | None = Field(serialization_alias="to", examples=["Done"])
    template: str = Field(examples=["{{ title }} is {{ new }}"])
    digest: str = Field(examples=["off"])
    zone: str = Field(examples=["Europe/Berlin"])
    quiet: str | None = Field(examples=["22:00-07:00"])
    enabled: bool = Field(examples=[True])
    created_at: Moment
    channels: list[ShownChannel]


class ShownList(Model):
    """Rules, oldest first."""

    rules: list[Shown]


class Preview(Model):
    """What a rule would tell of the row that changed last, or of a made-up one, and when if that happened now."""

    row: str = Field(examples=["Roadmap"])
    text: str = Field(examples=["Roadmap is Done"])
    due_at: Moment


class Told(Model):
    """One thing that a rule told, or will tell. `source` is the change or the alert, `subject` the record's or the alert's id."""

    id: str = Field(examples=["ntf_0b6c7c4f6a0e4f5e9f5d5b8e5b0e6a11"])
    rule_id: str
    channel: int = Field(examples=[0], description="Which of the rule's channels")
    source: str = Field(examples=["change:4711"])
    subject: str
    text: str = Field(examples=["Roadmap is Done"])
    state: State
    created_at: Moment
    next_at: Moment = Field(description="When it is sent next, while it waits")
    ended_at: Moment | None
    tries: int = Field(examples=[1])
    error: str | None = Field(examples=[None])


class ToldList(Model):
    """Notifications, newest first. `next_cursor` leads to older ones."""

    notifications: list[Told]
    next_cursor: str | None


@router.get("/rules")
async def listed(service: ServiceOf, access: Settings) -> Success[ShownList]:
    """The rules of a workspace."""
    async with service.app.database.read() as conn:
        found = await rules.every(conn, access.connection.id)
    return Success(data=ShownList(rules=[await _shown(service, one) for one in found]))


@router.post("/rules", status_code=201)
async def made(service: ServiceOf, access: Settings, asked: NewRule) -> Success[Shown]:
    """Make a rule. It tells of what happens from now on; secrets of webhooks are shown this once."""
    rule, told = await engine.create(service.app, access.connection, _asked(asked))
    return Success(message="Rule created.", data=await _shown(service, rule, once=told))


@router.post("/rules/preview")
async def previewed(service: ServiceOf, access: Settings, asked: NewRule) -> Success[Preview]:
    """Try a rule without making it. Nothing is sent."""
    row, told = await engine.preview(service.app, access.connection, _asked(asked))
    return Success(data=Preview(row=row, text=told.text, due_at=told.next_at))


@router.get("/rules/{rule_id}", responses=answers(NotFound))
async def shown(service: ServiceOf, access: Settings, rule_id: str) -> Success[Shown]:
    """One rule."""
    return Success(data=await _shown(service, await _own(service, access, rule_id)))


@router.patch("/rules/{rule_id}", responses=answers(NotFound))
async def changed(service: ServiceOf, access: Settings, rule_id: str, asked: ChangedRule) -> Success[Shown]:
    """Change how a rule tells, and whether. What it waits for stays: for something else make another rule."""
    rule = await _own(service, access, rule_id)
    given: dict[str, Any] = asked.model_dump(exclude={"channels", "workspace_id"}, exclude_none=True)
    if given.get("quiet") == "":
        given["quiet"] = None
    told = None if asked.channels is None else _channels(asked.channels)
    once = await engine.change(service.app, rule, channels=told, **given)
    return Success(data=await _shown(service, await _own(service, access, rule_id), once=once))


@router.delete("/rules/{rule_id}", responses=answers(NotFound))
async def removed(service: ServiceOf, access: Settings, rule_id: str) -> Done:
    """Remove a rule with all that it told, and what waits."""
    rule = await _own(service, access, rule_id)
    async with service.app.database.begin() as conn:
        await rules.remove(conn, rule.id)
    return Done(message="Rule removed.")


@router.get("/notifications")
async def told(
    service: ServiceOf,
    access: Settings,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    state: State | None = None,
    rule: Annotated[str | None, Query(max_length=100)] = None,
    after: Cursor = None,
) -> Success[ToldList]:
    """What rules told, and what waits to be told."""
    async with service.app.database.read() as conn:
        found = await notifications.listing(
            conn, access.connection.id, limit=limit, rule_id=rule, state=state, before=before(after)
        )
    more = cursor(found[-1].created_at, found[-1].id) if len(found) == limit else None
    return Success(data=ToldList(notifications=[Told.model_validate(one) for one in found], next_cursor=more))


def cursor(at: datetime, last: str) -> str:
    """What leads behind an item of a listing by time."""
    return f"{at.isoformat().replace('+00:00', 'Z')}_{last}"


def before(text: str | None) -> tuple[datetime, str] | None:
    """The place that `cursor` wrote. Raises BadInput for another text."""
    if text is None:
        return None
    at, _, last = text.partition("_")
    try:
        return datetime.fromisoformat(at), last
    except ValueError:
        raise BadInput("cursor: take the nextCursor of an answer.", details={"field": "cursor"}) from None


def _asked(asked: NewRule) -> engine.Asked:
    given = asked.model_dump(exclude={"channels", "workspace_id"})
    return engine.Asked(**given, channels=_channels(asked.channels))


def _channels(asked: list[AskedChannel]) -> tuple[Channel, ...]:
    return tuple(Channel(one.kind, one.target) for one in asked)


async def _own(service: ServiceOf, access: Access, rule_id: str) -> Rule:
    """The rule, if it is this workspace's. Raises NotFound."""
    async with service.app.database.read() as conn:
        rule = await rules.one(conn, rule_id)
    if rule.connection_id != access.connection.id:
        raise NotFound("There is no such rule.")
    return rule


async def _shown(service: ServiceOf, rule: Rule, *, once: list[Channel] | None = None) -> Shown:
    """A rule with its channels; their secrets only where they are told `once`."""
    if once is None:
        async with service.app.database.read() as conn:
            found = await rules.channels(conn, rule.id, ring=service.app.keys)
        once = [Channel(one.kind, one.target) for one in found]
    told = [ShownChannel(kind=one.kind, target=masked(one), secret=one.secret) for one in once]
    fields = {name: getattr(rule, name) for name in Shown.model_fields if name != "channels"}
    return Shown(**fields, channels=told)
