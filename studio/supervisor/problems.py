"""What can keep a studio from starting, each with the one sentence that its owner reads."""


class CannotStart(Exception):
    """Stops the start; the message is a whole sentence that says what to do."""
