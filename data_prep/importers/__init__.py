"""Importers: samples of others, turned into the schema of this project."""
