"""DECIDES: pure functions on frozen dataclasses. No I/O, no clock, no randomness."""
