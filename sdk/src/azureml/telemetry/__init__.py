"""A studio sends nothing home: the switch is kept, and does nothing."""


def set_diagnostics_collection(send_diagnostics: bool = True, verbosity: int = 20, reason: str = "") -> None:
    print("Turning diagnostics collection off: a studio collects none.")
