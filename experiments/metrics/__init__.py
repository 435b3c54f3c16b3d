"""The points of metrics: the only room that touches their tables.

A written batch is one row per series (its points as three arrays); beside the points stands each series' latest one. A
point's whole value (step, time, value) is its identity: a batch that a client repeats has the same digest and is
dropped on writing, and a point that comes twice in different batches is dropped on reading. So a retry changes nothing.
Meanwhile `compaction` packs what was written into chunks of some thousand points.

    append(run_id, points)                     latest(run_ids)
    append_one(run_id, point)                  sampled(run_id, key, points=1000, …)
    history(run_id, key)                       keys(run_id)
    delete_run(run_id)                         count_points(run_ids)
    delete_series(run_id, key)
"""

from experiments.metrics.compaction import compact_due
from experiments.metrics.count import count_points
from experiments.metrics.points import Points
from experiments.metrics.read import LATEST_JSON, Latest, Sample, history, keys, latest, sampled
from experiments.metrics.write import Point, append, append_one, delete_run, delete_series

__all__ = [
    "LATEST_JSON",
    "Latest",
    "Point",
    "Points",
    "Sample",
    "append",
    "append_one",
    "compact_due",
    "count_points",
    "delete_run",
    "delete_series",
    "history",
    "keys",
    "latest",
    "sampled",
]
