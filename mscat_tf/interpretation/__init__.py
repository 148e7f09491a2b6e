"""What a trained network looks at: attention maps and Grad-CAM, their figures and their files."""
