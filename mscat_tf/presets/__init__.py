"""Networks that ship trained: each a small run folder with a model card, beside these modules (docs/presets.md)."""
