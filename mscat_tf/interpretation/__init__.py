"""Attention maps and Grad-CAM of a trained run."""
