"""The command line; it finds the two halves of the project lazily by name."""
