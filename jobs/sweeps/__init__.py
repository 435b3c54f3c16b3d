"""Sweeps: what is tried (`space`), when a try is given up (`policies`), and how they are shown and asked for."""
