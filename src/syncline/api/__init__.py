"""A door: the REST contract and its realtime."""
