"""Is a sample sound, what does it look like, and does it agree with another one? `mscat validate` answers."""
