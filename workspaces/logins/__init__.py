"""Signing in from a terminal: a code shown there, confirmed in a browser, and short tokens refreshed behind it."""
