"""Submitted runs: how they are sent, followed and read."""
