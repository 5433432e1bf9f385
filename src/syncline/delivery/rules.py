"""Rules at work: what changed in the store becomes notifications, once for each change.

    change sequence ──decide──▶ notifications ──send (delivery.notifying)──▶ channel
                  (what the rule saw, and its position, in the same transaction)

The change sequence has one place for each record, so a row that changed twice before a rule looked is one change, from what the rule saw
to what there is. A new rule first looks at every row without telling: what was there before is no news.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.app import App
from syncline.core.due import due, read_digest, read_quiet, read_zone
from syncline.core.errors import BadInput, NotFound
from syncline.core.model import Kind, StoredRecord
from syncline.core.rules import Channel, ChannelKind, Match, Row, Rule, Trigger, fires, said, watched
from syncline.delivery import mail, outbound, rows, streams, templates
from syncline.delivery.deliveries import new_secret
from syncline.store import changes, connections, notifications, rules
from syncline.store.changes import Filter, Listed
from syncline.store.connections import Connection
from syncline.store.notifications import Notification, State

__all__ = ["Asked", "News", "change", "create", "decide", "preview", "tell"]

_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """A rule to be made. The fields are those of core.rules.Rule; the template may be empty, then the trigger's default is told."""

    name: str
    trigger: Trigger
    channels: tuple[Channel, ...]
    stream: str | None = None
    property: str | None = None
    was: str | None = None
    becomes: str | None = None
    template: str = ""
    digest: str = "off"
    zone: str = "UTC"
    quiet: str | None = None


@dataclass(frozen=True, slots=True)
class News:
    """What a rule is to tell: of what (`source`, once), about whom (`subject`), and what its template may name."""

    source: str
    subject: str
    facts: Mapping[str, Any]


# --- what an admin does -------------------------------------------------------------------------------------------


async def create(app: App, connection: Connection, asked: Asked) -> tuple[Rule, list[Channel]]:
    """Make a rule about what happens from now on, and its channels, with the secrets that are shown this once. Raises BadInput."""
    told = _checked(app, asked)
    async with app.database.begin() as conn:
        await _check_watched(conn, connection, asked)
        rule = _rule(app, connection, asked, since=await changes.head(conn, connection.id))
        await rules.add(conn, rule, told, ring=app.keys)
    return rule, told


async def change(
    app: App, rule: Rule, *, channels: Sequence[Channel] | None = None, **values: Any
) -> list[Channel] | None:
    """Replace some fields; with `channels` all of these, which are returned with their secrets. Raises BadInput."""
    new = replace(rule, **values)
    asked = Asked(
        **{name: getattr(new, name) for name in Asked.__slots__ if name != "channels"},
        channels=tuple(channels or ()),
    )
    told = _checked(app, asked, channels=channels is not None)
    async with app.database.begin() as conn:
        await rules.hold(conn, rule.id)
        await rules.change(
            conn, rule.id, told=told if channels is not None else None, ring=app.keys, **values
        )
    return told if channels is not None else None


def _checked(app: App, asked: Asked, *, channels: bool = True) -> list[Channel]:
    """The channels, with new secrets. Raises BadInput for what is wrong with a rule."""
    read_zone(asked.zone)
    read_digest(asked.digest)
    if asked.quiet is not None:
        read_quiet(asked.quiet)
    templates.check(asked.template)
    if asked.trigger is not Trigger.CHANGED and (asked.property or asked.was or asked.becomes) is not None:
        raise BadInput(f"trigger: {asked.trigger} takes no property, and no value before or after.")
    if asked.trigger is Trigger.ALERT and asked.stream is not None:
        raise BadInput("stream: alerts are about no stream.", details={"field": "stream"})
    if channels and not asked.channels:
        raise BadInput("channels: name one at least.", details={"field": "channels"})
    return [_channel(app, one) for one in asked.channels]


def _channel(app: App, channel: Channel) -> Channel:
    if channel.kind is not ChannelKind.EMAIL:
        outbound.checked_url(channel.target, allow_private=app.settings.allow_private_endpoints)
        return replace(channel, secret=new_secret()) if channel.kind is ChannelKind.WEBHOOK else channel
    if not mail.is_address(channel.target):
        raise BadInput(f"channels: {channel.target} is no address of mail.", details={"field": "channels"})
    if app.settings.smtp_url is None:
        raise BadInput("channels: mail is not sent here: SYNCLINE_SMTP_URL is not set.")
    return channel


async def _check_watched(conn: AsyncConnection, connection: Connection, asked: Asked) -> None:
    """Raises BadInput for a stream or a property that the workspace does not have."""
    if asked.stream is not None:
        await streams.check(conn, connection.id, [asked.stream], field="stream")
    if asked.property is not None:
        await streams.check_property(conn, connection.id, asked.stream, asked.property)


def _rule(app: App, connection: Connection, asked: Asked, *, since: int | None) -> Rule:
    return Rule(
        id=app.new_id(),
        connection_id=connection.id,
        name=asked.name,
        trigger=asked.trigger,
        stream=asked.stream,
        property=asked.property,
        was=asked.was,
        becomes=asked.becomes,
        template=asked.template,
        digest=asked.digest,
        zone=asked.zone,
        quiet=asked.quiet,
        enabled=True,
        created_at=app.now(),
        since=since,
        change_seq=0,
        serial=0,
    )


async def preview(app: App, connection: Connection, asked: Asked) -> tuple[str, Notification]:
    """The name of an example, the row of the stream that changed last, and what would be told of it. Raises BadInput."""
    told = _checked(app, asked)
    async with app.database.read() as conn:
        await _check_watched(conn, connection, asked)
        record = await rules.newest(conn, connection.id, asked.stream)
    rule = _rule(app, connection, asked, since=None)
    title, facts = "an example", _example(asked)
    if record is not None and asked.trigger is not Trigger.ALERT:
        row = rows.row(record)
        old, new = asked.was or "", asked.becomes or said(row.values.get(asked.property or ""))
        one = {"property": asked.property or "Status", "old": old, "new": new}
        facts = _of_record(record, row) | {**one, "changes": [one]}
        title = record.title
    everything = _common(rule, connection) | facts
    (first, *_) = _notifications(app, rule, told, [News("preview", "", everything)])
    return title, first


def _example(asked: Asked) -> dict[str, Any]:
    one = {"property": asked.property or "Status", "old": asked.was or "Open", "new": asked.becomes or "Done"}
    page = {"title": "Roadmap", "url": "https://www.notion.so/Roadmap", "values": {}, "reason": "trashed"}
    return {**page, **one, "changes": [one], "state": "opened", "text": "The last pull failed."}


# --- from changes to notifications --------------------------------------------------------------------------------


async def decide(app: App) -> float | None:
    """Let each rule look at what changed; 0.0 if there may be more. A duty."""
    async with app.database.glance() as conn:
        behind = await rules.behind(conn)
    more = False
    for rule_id in behind:
        with suppress(NotFound):  # it was removed meanwhile
            async with app.database.begin() as conn:
                more |= await _decide_one(conn, app, rule_id)
    return 0.0 if more else None


async def _decide_one(conn: AsyncConnection, app: App, rule_id: str) -> bool:
    """Look at the next changes of one rule. Whether there may be more."""
    rule = await rules.hold(conn, rule_id)
    head = await changes.head(conn, rule.connection_id)
    pages = Filter(kinds=(Kind.PAGE,))
    found = await changes.listed(
        conn, rule.connection_id, pages, after=rule.change_seq, upto=head, limit=_BATCH
    )
    before = await rules.saw(conn, rule.id, [one.record.key for one in found])
    seen: dict[str, Row | None] = {}
    told: list[News] = []
    for listed in found:
        record = listed.record
        if listed.pruned_at is not None and record.deleted_at is None:
            continue  # its values are not known any more, which is no change of them
        old, new = before.get(record.key), _now(rule, listed)
        seen[record.key] = new
        match = fires(rule, old, new) if _is_news(rule, record, old) else None
        if match is not None and rule.enabled:
            told.append(News(f"change:{record.seq}", record.key, _facts(record, match)))
    await rules.remember(conn, rule, {key: row for key, row in seen.items() if row or key in before})
    await tell(conn, app, rule, told)
    full = len(found) == _BATCH
    await rules.change(
        conn,
        rule.id,
        change_seq=found[-1].record.seq if full else head,
        since=rule.since if full else None,
    )
    return full


def _now(rule: Rule, listed: Listed) -> Row | None:
    """The row that a record is to a rule: None if it is gone, or is none of its stream."""
    record = listed.record
    if record.deleted_at is not None or rule.stream not in (None, record.stream):
        return None
    return watched(rule, rows.row(record), rows.kinds(record))


def _is_news(rule: Rule, record: StoredRecord, old: Row | None) -> bool:
    """Whether a change came after the rule. A row that it has not come round to looking at may be an old one."""
    if rule.since is None:
        return True
    unknown = old is None and record.first_seen_at < rule.created_at
    return record.seq > rule.since and not unknown


async def tell(conn: AsyncConnection, app: App, rule: Rule, news: Sequence[News]) -> None:
    """Have a rule, which is held, tell its channels; what its template says nothing about is not told."""
    if not news:
        return
    connection = await connections.one(conn, rule.connection_id)
    told = await rules.channels(conn, rule.id, ring=app.keys)
    common = _common(rule, connection)
    new = _notifications(app, rule, told, [replace(one, facts={**common, **one.facts}) for one in news])
    await notifications.put(conn, [one for one in new if one.text])
    await rules.change(conn, rule.id, serial=rule.serial + len(new))


def _notifications(app: App, rule: Rule, told: Sequence[Channel], news: Sequence[News]) -> list[Notification]:
    """One notification for each piece of news and each channel."""
    now = app.now()
    at = due(now, digest=rule.digest, quiet=rule.quiet, zone=rule.zone)
    pairs = [(one, number, channel) for one in news for number, channel in enumerate(told)]
    return [
        Notification(
            id=f"ntf_{app.new_id()}",
            connection_id=rule.connection_id,
            rule_id=rule.id,
            serial=rule.serial + serial,
            source=one.source,
            channel=number,
            subject=one.subject,
            state=State.WAITING,
            created_at=now,
            next_at=at,
            claimed_until=None,
            message=None,
            tries=0,
            ended_at=None,
            error=None,
            text=templates.render(rule.template, one.facts, trigger=rule.trigger, kind=channel.kind),
        )
        for serial, (one, number, channel) in enumerate(pairs, 1)
    ]


def _common(rule: Rule, connection: Connection) -> dict[str, Any]:
    workspace = connection.workspace_name or connection.name
    return {"rule": rule.name, "trigger": rule.trigger.value, "workspace": workspace}


def _facts(record: StoredRecord, match: Match) -> dict[str, Any]:
    """What a template may name of a row and what became of it."""
    changed = [
        {"property": one.property, "old": said(one.old), "new": said(one.new)} for one in match.differences
    ]
    return _of_record(record, rows.row(record)) | (changed[0] if changed else {}) | {"changes": changed}


def _of_record(record: StoredRecord, row: Row) -> dict[str, Any]:
    return {
        "title": record.title or "Untitled",
        "url": str(record.data.get("url") or ""),
        "values": {name: said(value) for name, value in row.values.items()},
        "reason": "moved" if record.deletion is None else record.deletion.value.replace("_", " "),
    }
