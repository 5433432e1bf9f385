"""MOVES: source → store → destination, by runs that survive the death of their process."""
