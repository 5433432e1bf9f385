"""READ: where records come from. `base` is the contract."""
