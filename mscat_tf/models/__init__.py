"""The networks, found by name in one registry."""
