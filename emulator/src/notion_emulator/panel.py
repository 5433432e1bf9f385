"""The small page at ``/_emulator/``: the tree, the request log, buttons for faults and the clock."""

from html import escape
from typing import TYPE_CHECKING

from notion_emulator.clock import stamp
from notion_emulator.objects import DataSource, Node, Page
from notion_emulator.requests import Entry
from notion_emulator.world import World

if TYPE_CHECKING:
    from notion_emulator.emulator import Emulator

__all__ = ["panel"]

MOST_SHOWN = 500
STYLE = """
body { font: 14px/1.5 system-ui, sans-serif; margin: 2rem; color: #222; background: #fff; }
main { display: grid; grid-template-columns: minmax(20rem, 1fr) minmax(28rem, 2fr); gap: 2rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1rem; } ul { padding-left: 1.1rem; } code { font-size: 12px; color: #555; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: 2px 8px; border-bottom: 1px solid #eee; }
button { margin: 0 4px 4px 0; } .bad { color: #b00020; } .trash { text-decoration: line-through; }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #1b1b1b; } code { color: #aaa; } td, th { border-color: #333; } }
"""
SCRIPT = """
const send = async (method, path, body) => {
  const answer = await fetch('/_emulator' + path, {method, body: body && JSON.stringify(body)});
  if (!answer.ok) alert((await answer.json()).error); else location.reload();
};
document.addEventListener('click', event => {
  const button = event.target.closest('button[data-path]');
  if (button) send(button.dataset.method, button.dataset.path, button.dataset.body && JSON.parse(button.dataset.body));
});
"""
FAULTS: tuple[tuple[str, str], ...] = (
    ("429 once", '{"what": 429, "count": 1, "retry_after": 1}'),
    ("500 once", '{"what": 500, "count": 1}'),
    ("502 HTML once", '{"what": 502, "count": 1}'),
    ("503 after the write, once", '{"what": 503, "count": 1, "applied": true, "method": "POST"}'),
    ("529 once", '{"what": 529, "count": 1}'),
    ("reset once", '{"what": "reset", "count": 1}'),
    ("truncated once", '{"what": "truncated", "count": 1}'),
    ("2 % of 500", '{"what": 500, "probability": 0.02}'),
)


def _button(label: str, method: str, path: str, body: str = "") -> str:
    return f'<button data-method="{method}" data-path="{path}" data-body="{escape(body)}">{escape(label)}</button>'


def panel(emulator: "Emulator") -> str:
    """The page as HTML."""
    trees = "".join(
        f"<h2>{escape(world.name)}</h2><ul>{_branches(world, world.top)}</ul>" for world in emulator.worlds
    )
    buttons = "".join(_button(label, "POST", "/faults", body) for label, body in FAULTS)
    log = "".join(_line(one) for one in list(emulator.requests)[:-101:-1])
    clock = (
        _button("one minute later", "POST", "/clock", '{"advance": 60}')
        + _button("one day later", "POST", "/clock", '{"advance": 86400}')
        + _button("kill all cursors", "DELETE", "/cursors")
    )
    frozen = " (frozen)" if emulator.clock.frozen is not None else ""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Notion emulator</title><style>{STYLE}</style>'
        f"<h1>Notion emulator</h1><p>It is {stamp(emulator.clock.now())}{frozen}. "
        f"{clock}</p>"
        f"<p>Token <code>{escape(emulator.token)}</code></p><main><section>{trees}</section><section>"
        f"<h2>Faults</h2><p>{buttons}{_button('clear', 'DELETE', '/faults')}</p><ul>{_faults(emulator)}</ul>"
        f"<h2>Requests: {emulator.requests.count()}</h2><p>{_button('begin anew', 'DELETE', '/requests')}</p>"
        f"<table><tr><th>time<th>request<th>status<th>fault</tr>{log}</table></section></main><script>{SCRIPT}</script></html>"
    )


def _faults(emulator: "Emulator") -> str:
    return "".join(
        f"<li>{escape(str(one.what))} {escape(one.method or 'any method')} {escape(one.path or 'any path')}: {one.hits} hits</li>"
        for one in emulator.faults.active
    )


def _line(one: Entry) -> str:
    target = f"{one.path}?{one.query}" if one.query else one.path
    bad = ' class="bad"' if one.status >= 400 or not one.status else ""
    return (
        f"<tr{bad}><td>{stamp(one.at)[11:23]}<td>{escape(one.method)} {escape(target[:160])}"
        f"<td>{one.status or 'none'}<td>{escape(one.fault or '')}</tr>"
    )


def _branches(world: World, ids: list[str], *, depth: int = 0) -> str:
    """Pages, databases and data sources below, blocks left out; the first ones of many."""
    lines = [_branch(world, world.nodes[id], depth=depth) for id in ids[:MOST_SHOWN]]
    if len(ids) > MOST_SHOWN:
        lines.append(f"<li>… and {len(ids) - MOST_SHOWN} more</li>")
    return "".join(lines)


def _branch(world: World, node: Node, *, depth: int) -> str:
    if node.kind == "block":
        return _branches(world, node.children, depth=depth) if depth < 8 else ""
    inner = getattr(node, "data_sources", None) or (
        node.rows if isinstance(node, DataSource) else node.children
    )
    trash = ' class="trash"' if node.trashed else ""
    kind = (
        "row" if isinstance(node, Page) and node.parent_kind == "data_source" else node.kind.replace("_", " ")
    )
    title = escape(world.title(node) or "Untitled")
    below = f"<ul>{_branches(world, inner, depth=depth + 1)}</ul>" if inner and depth < 8 else ""
    return f"<li{trash}>{title} <code>{kind} {node.id}</code>{below}</li>"
