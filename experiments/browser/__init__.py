"""The Artifacts tab, wherever it stands: a run's files, a logged model's, or those of a model version.

`nodes` makes the tree, as much of it as a page can hold; `tab` gives what the templates show of it and of the chosen
file; `sending` gives the bytes.
"""

from experiments.browser.files import Files, of_place, of_run
from experiments.browser.names import readable
from experiments.browser.sending import send, send_asked
from experiments.browser.tab import answer, described

__all__ = ["Files", "answer", "described", "of_place", "of_run", "readable", "send", "send_asked"]
