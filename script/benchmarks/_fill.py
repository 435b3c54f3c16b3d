"""What must be there before a tracking server is asked: written into each server's own tables, in its own shape.

Through HTTP ten thousand runs would take MLflow's server an hour. Both sides get the same runs, with the same values.
"""

from __future__ import annotations

import json
import time

import _calls as calls
from _peers import Peer, execute

METRIC = "(hashint8(n * 100 + k)::bigint & 1048575) / 1048576.0"
PARAM = "'w' || (n * 7919 + k * 31) % 50"
RUN = "md5('{name}' || n)"
NOW = 1_760_000_000_000

STUDIO = [
    """
    INSERT INTO experiments_run (id, workspace_id, experiment_id, name, status, user_name, is_submitted,
                                 start_ms, end_ms, created_ms, heard_ms)
    SELECT {run}, (SELECT workspace_id FROM experiments_experiment WHERE id = {experiment}), {experiment}, 'run ' || n,
           'FINISHED', 'bench', false, {now} + n * 1000, {now} + n * 1000 + 500, {now}, {now}
      FROM generate_series(1, {count}) AS n
    """,
    """
    INSERT INTO experiments_metricseries (run_id, key, last_step, last_ms, last_value, min_value, max_value)
    SELECT {run}, 'm' || k, 100, {now}, {metric}, {metric}, {metric}
      FROM generate_series(1, {count}) AS n, generate_series(0, 19) AS k
    """,
    """
    INSERT INTO experiments_runparam (run_id, key, value)
    SELECT {run}, 'p' || k, {param} FROM generate_series(1, {count}) AS n, generate_series(0, 19) AS k
    """,
    """
    INSERT INTO experiments_runtag (run_id, key, value)
    SELECT {run}, 't' || k, 'value ' || n % 50 FROM generate_series(1, {count}) AS n, generate_series(0, 4) AS k
    """,
    "VACUUM ANALYZE experiments_run, experiments_metricseries, experiments_runparam, experiments_runtag",
]

MLFLOW = [
    """
    INSERT INTO {schema}.runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status,
                               start_time, end_time, source_version, lifecycle_stage, artifact_uri, experiment_id)
    SELECT {run}, 'run ' || n, 'UNKNOWN', '', '', 'bench', 'FINISHED', {now} + n * 1000, {now} + n * 1000 + 500, '',
           'active', 'mlflow-artifacts:/{experiment}/' || {run} || '/artifacts', {experiment}
      FROM generate_series(1, {count}) AS n
    """,
    """
    INSERT INTO {schema}.metrics (key, value, timestamp, run_uuid, step, is_nan)
    SELECT 'm' || k, {metric}, {now}, {run}, 100, false
      FROM generate_series(1, {count}) AS n, generate_series(0, 19) AS k
    """,
    """
    INSERT INTO {schema}.latest_metrics (key, value, timestamp, run_uuid, step, is_nan)
    SELECT 'm' || k, {metric}, {now}, {run}, 100, false
      FROM generate_series(1, {count}) AS n, generate_series(0, 19) AS k
    """,
    """
    INSERT INTO {schema}.params (key, value, run_uuid)
    SELECT 'p' || k, {param}, {run} FROM generate_series(1, {count}) AS n, generate_series(0, 19) AS k
    """,
    """
    INSERT INTO {schema}.tags (key, value, run_uuid)
    SELECT 't' || k, 'value ' || n % 50, {run} FROM generate_series(1, {count}) AS n, generate_series(0, 4) AS k
    """,
    "VACUUM ANALYZE {schema}.runs, {schema}.metrics, {schema}.latest_metrics, {schema}.params, {schema}.tags",
]

STUDIO_MODELS = [
    """
    INSERT INTO registry_registeredmodel (workspace_id, name, description, last_version, created_by, created_ms,
                                          updated_ms)
    SELECT (SELECT workspace_id FROM experiments_experiment WHERE id = {experiment}), 'bench ' || n, 'a model', 2,
           'bench', {now} + n, {now} + n
      FROM generate_series(1, {count}) AS n
        ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO registry_modelversion (model_id, version, source, artifact_path, run_link, description, stage,
                                       created_by, created_ms, updated_ms)
    SELECT model.id, v, 's3://bucket/model', '', '', '', CASE v WHEN 1 THEN 'Production' ELSE 'None' END, 'bench',
           {now}, {now}
      FROM registry_registeredmodel AS model, generate_series(1, 2) AS v
     WHERE model.name LIKE 'bench %'
        ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO registry_registeredmodeltag (model_id, key, value)
    SELECT id, 't' || k, 'value ' || id % 50
      FROM registry_registeredmodel AS model, generate_series(0, 1) AS k
     WHERE model.name LIKE 'bench %'
        ON CONFLICT DO NOTHING
    """,
    "VACUUM ANALYZE registry_registeredmodel, registry_modelversion, registry_registeredmodeltag",
]

MLFLOW_MODELS = [
    """
    INSERT INTO {schema}.registered_models (name, creation_time, last_updated_time, description)
    SELECT 'bench ' || n, {now} + n, {now} + n, 'a model' FROM generate_series(1, {count}) AS n
    """,
    """
    INSERT INTO {schema}.model_versions (name, version, creation_time, last_updated_time, current_stage, source, status)
    SELECT 'bench ' || n, v, {now}, {now}, CASE v WHEN 1 THEN 'Production' ELSE 'None' END, 's3://bucket/model', 'READY'
      FROM generate_series(1, {count}) AS n, generate_series(1, 2) AS v
    """,
    """
    INSERT INTO {schema}.registered_model_tags (name, key, value)
    SELECT 'bench ' || n, 't' || k, 'value ' || n % 50
      FROM generate_series(1, {count}) AS n, generate_series(0, 1) AS k
    """,
    "VACUUM ANALYZE {schema}.registered_models, {schema}.model_versions, {schema}.registered_model_tags",
]

SERIES = [
    """
    INSERT INTO {schema}.metrics (key, value, timestamp, run_uuid, step, is_nan)
    SELECT 'loss', {metric}, {now} + n, '{run_id}', n, false
      FROM generate_series(0, {count} - 1) AS n, generate_series(0, 0) AS k
    """,
    """
    INSERT INTO {schema}.latest_metrics (key, value, timestamp, run_uuid, step, is_nan)
    SELECT key, value, timestamp, run_uuid, step, is_nan
      FROM {schema}.metrics
     WHERE run_uuid = '{run_id}'
     ORDER BY step DESC
     LIMIT 1
    """,
    "VACUUM ANALYZE {schema}.metrics, {schema}.latest_metrics",
]
LOOSE = "SELECT sum(loose) FROM experiments_metricseries WHERE run_id = %(run)s"


def write(peer: Peer, statements: list[str], **values: object) -> None:
    # Names and numbers of this file only: no value comes from outside.
    known = {"schema": peer.schema, "now": NOW, "metric": METRIC, "param": PARAM, **values}
    execute(peer.database, *(statement.format(**known) for statement in statements))


def runs(peer: Peer, count: int, name: str) -> None:
    """Make an experiment with runs of 20 metrics, 20 params and 5 tags each."""
    made = str(
        peer.connection().post("/mlflow/experiments/create", {"name": f"{name} {time.time():.0f}"})["experiment_id"]
    )
    run = RUN.format(name=f"{name}{made} ")
    write(peer, STUDIO if peer.name == "studio" else MLFLOW, experiment=made, count=count, run=run)
    peer.ids[name] = made


def models(peer: Peer, count: int, name: str) -> None:
    """Register models of two versions and two tags each."""
    peer.connection().send("GET", "/mlflow/experiments/get?experiment_id=0")
    write(peer, STUDIO_MODELS if peer.name == "studio" else MLFLOW_MODELS, experiment=0, count=count)
    peer.ids[name] = "bench"


def series(peer: Peer, count: int, name: str) -> None:
    """Write one long series: the studio's as clients do, in batches, until it is packed."""
    connection = peer.connection()
    made = connection.post("/mlflow/runs/create", {"experiment_id": "0", "start_time": NOW})
    peer.ids[name] = run_id = str(made["run"]["info"]["run_id"])
    if peer.name != "studio":
        write(peer, SERIES, run_id=run_id, count=count)
        return
    for start in range(0, count, 1000):
        points = [
            {"key": "loss", "value": calls.RANDOM.random(), "timestamp": NOW + i, "step": i}
            for i in range(start, min(start + 1000, count))
        ]
        connection.send("POST", "/mlflow/runs/log-batch", json.dumps({"run_id": run_id, "metrics": points}).encode())
    ended = {"run_id": run_id, "status": "FINISHED", "end_time": NOW + count}
    connection.send("POST", "/mlflow/runs/update", json.dumps(ended).encode())
    wait_packed(peer, run_id)


def file(peer: Peer, count: int, name: str) -> None:
    """Send a file, to be fetched."""
    connection = peer.connection()
    run_id = calls.new_run(connection)
    peer.ids[name] = f"/mlflow-artifacts/artifacts/0/{run_id}/artifacts/large.bin"
    connection.send("PUT", peer.ids[name], calls.body())


def wait_packed(peer: Peer, run_id: str, limit_s: float = 180) -> None:
    import psycopg2

    connection = psycopg2.connect(peer.database)
    connection.autocommit = True
    deadline = time.monotonic() + limit_s
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(LOOSE, {"run": run_id})
            [(loose,)] = cursor.fetchall()
            if (loose or 0) < 4096:
                break
            time.sleep(1)
    connection.close()
