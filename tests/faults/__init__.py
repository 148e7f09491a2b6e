"""The fault campaign, in its reduced form."""
