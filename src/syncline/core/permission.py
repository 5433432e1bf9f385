"""Who may do what in a workspace: the one matrix of roles, and what the scopes of an API key leave of it.

role     query  view  sync  write  invite  settings  delete  transfer
viewer     x      x
member     x      x     x     x
admin      x      x     x     x      x        x
owner      x      x     x     x      x        x        x         x
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

__all__ = [
    "FLAGS",
    "MATRIX",
    "SCOPES",
    "Permission",
    "Role",
    "Scope",
    "allowed",
    "flags",
    "granted",
    "outranks",
    "owner_only",
]


class Role(StrEnum):
    """What somebody is in a workspace, least first."""

    VIEWER = "viewer"
    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"


class Permission(StrEnum):
    """What a route asks for."""

    QUERY = "query"
    """Search and read content."""
    VIEW_SOURCES = "view_sources"
    """See the workspace, its pages, syncs, events and members."""
    MANAGE_SYNC = "manage_sync"
    """Start and cancel syncs, reindex."""
    WRITE = "write"
    """Write into Notion or a mapped database, settle conflicts."""
    INVITE = "invite"
    """Add, change and remove members and invitations."""
    EDIT_SETTINGS = "edit_settings"
    """Change settings, schedules, selections, mappings and endpoints; disconnect."""
    DELETE_WORKSPACE = "delete_workspace"
    """Delete the workspace with all that was read."""
    TRANSFER = "transfer"
    """Make somebody else the owner."""


class Scope(StrEnum):
    """What an API key was made for. It never gives more than its user's role does."""

    READ = "read"
    SYNC = "sync"
    WRITE = "write"
    ADMIN = "admin"


_VIEWER = frozenset({Permission.QUERY, Permission.VIEW_SOURCES})
_MEMBER = _VIEWER | {Permission.MANAGE_SYNC, Permission.WRITE}
_ADMIN = _MEMBER | {Permission.INVITE, Permission.EDIT_SETTINGS}

MATRIX: Final[Mapping[Role, frozenset[Permission]]] = MappingProxyType(
    {
        Role.VIEWER: _VIEWER,
        Role.MEMBER: _MEMBER,
        Role.ADMIN: _ADMIN,
        Role.OWNER: frozenset(Permission),
    }
)

SCOPES: Final[Mapping[Scope, frozenset[Permission]]] = MappingProxyType(
    {
        Scope.READ: _VIEWER,
        Scope.SYNC: _VIEWER | {Permission.MANAGE_SYNC},
        Scope.WRITE: _VIEWER | {Permission.WRITE},
        Scope.ADMIN: frozenset(Permission),
    }
)

FLAGS: Final[Mapping[str, Permission]] = MappingProxyType(
    {
        "canQuery": Permission.QUERY,
        "canViewSources": Permission.VIEW_SOURCES,
        "canInvite": Permission.INVITE,
        "canManageSync": Permission.MANAGE_SYNC,
        "canEditSettings": Permission.EDIT_SETTINGS,
        "canDeleteWorkspace": Permission.DELETE_WORKSPACE,
    }
)
"""The summary that a client asks for, and what each flag means."""


def allowed(role: Role, permission: Permission) -> bool:
    """Whether a role has a permission."""
    return permission in MATRIX[role]


def granted(scopes: Collection[Scope], permission: Permission) -> bool:
    """Whether one of the scopes lets a permission through."""
    return any(permission in SCOPES[scope] for scope in scopes)


def owner_only(permission: Permission) -> bool:
    """Whether nobody but the owner has it."""
    return not allowed(Role.ADMIN, permission)


def outranks(role: Role, other: Role) -> bool:
    """Whether `role` stands above `other`."""
    order = list(Role)
    return order.index(role) > order.index(other)


def flags(role: Role) -> dict[str, bool]:
    """The summary of a role's permissions."""
    return {name: allowed(role, permission) for name, permission in FLAGS.items()}
