"""The command line. It composes the two halves of the project and finds them lazily, by name."""
