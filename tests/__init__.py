"""Tests, mirroring the tree of the packages."""
