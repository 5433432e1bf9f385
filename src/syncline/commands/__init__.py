"""What the commands do: each opens what it needs, calls the engine, and says what came of it."""
