"""The command `studio`: what the client can do, in a shell."""

from studio_sdk.cli.main import main

__all__ = ["main"]
