"""Load one model and answer for it over HTTP, until told to stop.

    <model's python> -I server.py --model DIR --settings FILE (--socket PATH | --port N) [--layer DIR]

`--layer` is a folder with the HTTP server's packages; it is put behind everything else, so that the model's own
packages win. The socket is opened only after the model is loaded and has scored its example: who can connect gets an
answer. A model that cannot be loaded ends the program with its traceback and status 1.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGE = "studio_scoring"
# How many requests may wait beside those that are worked on, to be merged.
COMPANY = 30


def main() -> int:
    options = read_options()
    if options.layer:
        sys.path.append(options.layer)
    open_package()
    return serve(options)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="the model's folder")
    parser.add_argument("--code", type=Path, help="the folder of an entry script")
    parser.add_argument("--entry", help="the entry script, below --code: init() and run() instead of the model's own")
    parser.add_argument("--settings", required=True, help="a JSON file: endpoint, auth, key_hashes, …")
    parser.add_argument("--layer", help="a folder with granian, orjson and PyYAML")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--socket", help="the unix socket to listen on")
    where.add_argument("--port", type=int, help="the loopback port to listen on")
    return parser.parse_args()


def open_package() -> ModuleType:
    """Make the folder of this file a package under a name that no model's package has.

    With `-I` the folder is not on the path, and must not be: its module names are common ones.
    """
    folder = Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location(
        PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec and spec.loader
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    spec.loader.exec_module(package)
    return package


def serve(options: argparse.Namespace) -> int:
    from studio_scoring import (  # type: ignore[import-not-found]
        application,
        capture,
        entry,
        listen,
        models,
        settings,
        status,
        tally,
        turns,
    )

    configured = settings.SettingsFile(options.settings)
    lanes = configured.current.threads
    share_cores(lanes)
    started = time.perf_counter()
    say(f"loading the model from {options.model.name}")
    example, most_rows = None, 0
    model = entry.load(options.model, options.code, options.entry) if options.entry else models.load(options.model)
    say(f"loaded {type(model).__name__} in {time.perf_counter() - started:.2f} s")
    if not options.entry:
        example, call = try_example(model, options.model)
        most_rows = try_merging(model, call)
    say(f"ready after {time.perf_counter() - started:.2f} s")
    counted = tally.Tally()
    samples = capture.Capture(Path(options.settings).parent / "captured", counted.count_samples)
    app = application.Application(
        model,
        configured,
        example,
        tally=counted,
        capture=samples,
        turns=turns.Turns(lanes, most_rows, merges=lambda: configured.current.merges_requests),
    )
    if options.socket:
        status.listen(str(Path(options.socket).with_name("status.sock")), counted.snapshot)
    # Those that may be merged wait in threads, of which more are made only when they are needed.
    threads = lanes + (COMPANY if most_rows else 0)
    listen.run(app, options.socket, options.port, threads=threads, queue=configured.current.queue)
    samples.flush()
    say("stopped")
    return 0


def try_example(model: Any, folder: Path) -> tuple[Any, Any]:
    """Score the example that was saved beside the model; give it and the call that was made of it.

    An example in a form that the server does not read proves nothing; a model that raises on its own example is broken.
    """
    from studio_scoring import http, models, payload, wire

    raw = models.example_body(folder)
    if raw is None:
        return None, None
    started = time.perf_counter()
    try:
        example = wire.parse_json(raw)
        asked = payload.from_json(example)
        call = model.prepare(asked.payload, asked.params, asked.method)
        wire.dump_json(call.run())
    except http.Refusal as refusal:
        say(f"the input example was not tried: {refusal.message}")
        return None, None
    say(f"scored the input example in {(time.perf_counter() - started) * 1000:.1f} ms")
    return example, call


def try_merging(model: Any, call: Any) -> int:
    """Give how many rows of waiting requests are worth one call of the model; 0: each is called for by itself."""
    from studio_scoring import gain, http

    try:
        tried = call or model.trial()
        rows: int = gain.most_rows(tried) if tried is not None else 0
    except (http.ModelFailed, http.Refusal) as error:
        say(f"requests are not merged: tried, the model raised {error}")
        return 0
    if rows:
        say(f"requests that wait are merged, up to {rows} rows")
    return rows


def share_cores(threads: int) -> None:
    """Keep numerical libraries from starting a thread a core for each of our own threads."""
    cores = os.cpu_count() or 1
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, str(max(1, cores // max(1, threads))))


def say(line: str) -> None:
    print(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
