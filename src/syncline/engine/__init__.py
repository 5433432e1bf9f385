"""MOVES: source → store → destination, by jobs that survive the death of their process."""
