"""Settings of the networks beside the transformers of our own: one section each."""
