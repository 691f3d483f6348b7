"""Peak memory and times of two trainings on ratings; ``tasks/als_100m.py`` runs it afresh."""

from __future__ import annotations

import gc
import json
import sys
import time
import warnings
from pathlib import Path

from datasets import read_ratings
from measure_memory import peak_bytes, reset_peak
from objective import rating_score
from peers import peers_for


def measure(path: str, file: str, settings: list[dict], n_threads: int) -> dict:
    peer = peers_for("als_100m", [file])[file]
    X, held_out = read_ratings(Path(path))
    data = peer.prepare(X)
    seconds = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Libraries and the buffers of BLAS, from a few rows.
        peer.train(peer.prepare(X[:200]), settings[0], n_threads, 0)
        gc.collect()
        reset_peak()
        before = peak_bytes()
        for setting in settings:
            model = None
            gc.collect()
            began = time.perf_counter()
            model = peer.train(data, setting, n_threads, 0)
            seconds.append(time.perf_counter() - began)
        peak = peak_bytes()
    predicted = peer.predict_entries(model, held_out.rows, held_out.columns)
    limits = {"lowest": X.data.min(), "highest": X.data.max()}
    return {
        "seconds": seconds,
        "peak": peak,
        "peak_increase": peak - before,
        "input": sum(part.nbytes for part in (X.data, X.indices, X.indptr)),
        "rmse": rating_score(held_out.values, predicted, **limits).rmse,
    }


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
