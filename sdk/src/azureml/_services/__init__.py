"""Web services: how they are asked for, and what is asked."""
