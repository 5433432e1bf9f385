"""``make docs``: the tables of docs/reference/rest.md, made from the routes themselves. tests/api/test_openapi.py compares."""

import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from fastapi.routing import APIRoute

from syncline.api.asgi import ROUTERS, routes
from syncline.api.deps import Allow, InstanceOwner, Personal, Signed
from syncline.api.openapi import api_routes, asks, asks_for, scope_of
from syncline.core.permission import SCOPES, Role, Scope, allowed

PAGE = Path(__file__).with_name("reference") / "rest.md"
BEGIN, END = "<!-- routes: made by `make docs` -->\n", "<!-- end of routes -->\n"


def who(route: APIRoute) -> str:
    """Who may use a route: the least role, and the scopes of a key that reaches it."""
    asked = asks_for(route)
    if asks(route, InstanceOwner):
        return "instance owner; key: `admin`"
    person = asks(route, Personal)
    for call in asked:
        if isinstance(call, Allow):
            role = next(role for role in Role if allowed(role, call.permission))
            scopes = [f"`{scope}`" for scope, granted in SCOPES.items() if call.permission in granted]
            return f"{role}; {'no key' if person else 'key: ' + ', '.join(scopes)}"
    if person:
        return "signed in; no key"
    if not asks(route, Signed):
        return "anyone"
    scope = scope_of(route)
    narrow = scope not in {None, Scope.READ}
    return (
        f"signed in; key: `{scope}`, `admin`".replace("`admin`, `admin`", "`admin`")
        if narrow
        else "signed in; any key"
    )


def lines() -> Iterator[str]:
    """The tables, one for each tag."""
    spec = routes().openapi()
    found = [route for route in api_routes(ROUTERS) if route.include_in_schema]
    for tag, group in groupby(
        sorted(found, key=lambda one: (str(one.tags[0]), one.path)), lambda one: one.tags[0]
    ):
        yield f"### {tag}\n\n| route | what it does | who may | answers |\n| --- | --- | --- | --- |\n"
        for route in group:
            for method in sorted(route.methods or ()):
                operation = spec["paths"][route.path_format][method.lower()]
                said = (
                    operation["description"]
                    .partition("\n\n")[0]
                    .replace("\n", " ")
                    .partition(". ")[0]
                    .rstrip(".")
                )
                statuses = ", ".join(sorted(operation["responses"]))
                yield f"| `{method} {route.path}` | {said} | {who(route)} | {statuses} |\n"
        yield "\n"


def written(page: str) -> str:
    """The page with today's tables in their place."""
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + "\n" + "".join(lines()) + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
    sys.stderr.write(f"{PAGE} written\n")
