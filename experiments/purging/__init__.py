"""Deleting for good: rows *and* files, in batches that resume, with counts and bytes before and after.

A purge is a row that says what shall go. `engine.step` moves it on: it deletes a batch of rows (`rows`, `parts`, and
what the registry adds to `kinds`) and, in the same transaction, moves the cursor, adds to the tally and writes down
which files went with them; the files are removed next (`files`). Killed anywhere, the next step goes on.

`neighbours` are the rooms above: they say who still needs a run, a model or a file (a model version, a job that runs),
and that stays. `retention` begins purges by itself. `weighing` says beforehand what would go.
"""

from experiments.purging.engine import live, step
from experiments.purging.kinds import Kind
from experiments.purging.ledger import Kept
from experiments.purging.neighbours import Holder, Neighbour, require_free
from experiments.purging.retention import Rule, rule
from experiments.purging.tally import Tally
from experiments.purging.weighing import Weight, weigh

__all__ = [
    "Holder",
    "Kept",
    "Kind",
    "Neighbour",
    "Rule",
    "Tally",
    "Weight",
    "live",
    "require_free",
    "rule",
    "step",
    "weigh",
]
