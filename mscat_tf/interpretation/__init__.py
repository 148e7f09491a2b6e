"""What a trained network looks at: attention maps, Grad-CAM, worth of each stream; figures and files."""
