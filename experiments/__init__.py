"""Configurations, one YAML per result; benchmarks."""
