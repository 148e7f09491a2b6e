"""A trained network applied to any sample, and written for programs that know nothing of this package."""
