"""Fixtures of the accounts: those of the engine."""

from tests.engine.conftest import app, notion

__all__ = ["app", "notion"]
