"""The `destinations` room."""
