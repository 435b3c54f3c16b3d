"""Starts the parts of the studio, keeps them running, and stops them all. Knows nothing of Django."""
