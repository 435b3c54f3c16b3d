"""`RunDetails(run).show()`: a link to the run's page; the page is the widget."""

from __future__ import annotations

from typing import Any


class RunDetails:
    def __init__(self, run_instance: Any) -> None:
        self.run = run_instance

    def show(self, render_lib: Any = None, widget_settings: Any = None) -> None:
        try:
            from IPython import get_ipython
            from IPython.display import HTML, display
        except ImportError:
            print(self.run.get_portal_url())
            return
        if get_ipython() is None:
            print(self.run.get_portal_url())
        else:
            display(HTML(self.run._repr_html_()))

    def get_widget_data(self, widget_settings: Any = None) -> dict[str, Any]:
        details: dict[str, Any] = self.run.get_details()
        return {"status": details["status"], "run_properties": details, "run_metrics": self.run.get_metrics()}
