"""`RunDetails(run).show()`: a run's state beside a notebook's cell, or its link in a terminal."""

from __future__ import annotations

import threading
from typing import Any

from azureml.exceptions import AzureMLException
from azureml.widgets._card import FINAL, card, lines

EVERY_S = 3.0


class RunDetails:
    """Shows a run, a sweep with its tries; in a notebook the state is followed until the run has ended."""

    def __init__(self, run_instance: Any) -> None:
        self.run = run_instance
        self._stopped = threading.Event()

    def show(self, render_lib: Any = None, widget_settings: Any = None) -> None:
        """Draw the run below the cell, and go on drawing behind it; print it where there is no notebook."""
        display = notebook_display()
        if display is None:
            print("\n".join(lines(self.run)), flush=True)
            return
        html, handle = display(card(self.run))
        if self._is_live:
            threading.Thread(
                target=self._follow, args=(handle, html), daemon=True, name=f"widget-{self.run.id}"
            ).start()

    @property
    def _is_live(self) -> bool:
        return self.run.get_status() not in FINAL

    def _follow(self, handle: Any, html: Any) -> None:
        while not self._stopped.wait(EVERY_S):
            try:
                is_last = not self._is_live
                handle.update(html(card(self.run)))
            except AzureMLException:  # the studio is away for a moment: the card stays as it was
                continue
            if is_last:
                return

    def stop(self) -> None:
        """Draw it no more; the run goes on."""
        self._stopped.set()

    def get_widget_data(self, widget_settings: Any = None) -> dict[str, Any]:
        details: dict[str, Any] = self.run.get_details()
        return {"status": details["status"], "run_properties": details, "run_metrics": self.run.get_metrics()}


def notebook_display() -> Any:
    """Give what draws HTML below a cell and draws it again; None where there is no notebook."""
    try:
        from IPython import get_ipython
        from IPython.display import HTML, display
    except ImportError:
        return None
    shell = get_ipython()
    if shell is None or not getattr(shell, "kernel", None):  # IPython in a terminal draws no HTML
        return None
    return lambda text: (HTML, display(HTML(text), display_id=True))
