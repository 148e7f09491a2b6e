"""Four-vectors, jet frame and event weights on plain NumPy arrays. Units: GeV and radians."""
