"""Networks, found by name in one registry. Only `inputs` loads without Keras."""
