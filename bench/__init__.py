"""Measurements of the pull. Each script prints one table; ``python -m bench`` runs all of them."""
