"""The whole schema: `metadata` knows every table once this module is imported."""

from syncline.store import (
    tables_accounts,
    tables_connecting,
    tables_deliveries,
    tables_events,
    tables_inbox,
    tables_logs,
    tables_merge,
    tables_push,
    tables_rules,
    tables_search,
    tables_work,
)
from syncline.store.tables import metadata

__all__ = [
    "metadata",
    "tables_accounts",
    "tables_connecting",
    "tables_deliveries",
    "tables_events",
    "tables_inbox",
    "tables_logs",
    "tables_merge",
    "tables_push",
    "tables_rules",
    "tables_search",
    "tables_work",
]
