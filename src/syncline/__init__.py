"""Syncline keeps Notion and the rest of your systems in sync."""
