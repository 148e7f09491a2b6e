"""Studies of several configurations: what is trained, what was measured, and the page that says so."""
