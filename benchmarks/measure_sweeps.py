"""Peak memory and time of each ALS iteration on ratings, for ``tasks/als_100m.py``."""

from __future__ import annotations

import gc
import io
import json
import sys
import time
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np

from datasets import read_ratings
from measure_memory import peak_bytes, reset_peak
from objective import rating_score
from peers import peers_for


class LineTimes(io.StringIO):
    """Takes the place of standard output and notes when each line ends."""

    def __init__(self):
        super().__init__()
        self.times: list[float] = []

    def write(self, text: str) -> int:
        self.times += [time.perf_counter()] * text.count("\n")
        return super().write(text)


def measure(path: str, file: str, setting: dict, n_threads: int) -> dict:
    """``setting`` is to make the program print a line after each sweep, and nothing else."""
    peer = peers_for("als_100m", [file])[file]
    X, held_out = read_ratings(Path(path))
    data = peer.prepare(X)
    lines = LineTimes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Libraries and the buffers of BLAS, from a few rows.
        with redirect_stdout(io.StringIO()):
            peer.train(peer.prepare(X[:200]), setting, n_threads, 0)
        gc.collect()
        reset_peak()
        before = peak_bytes()
        began = time.perf_counter()
        with redirect_stdout(lines):
            model = peer.train(data, setting, n_threads, 0)
        seconds = time.perf_counter() - began
        peak = peak_bytes()
    predicted = peer.predict_entries(model, held_out.rows, held_out.columns)
    limits = {"lowest": X.data.min(), "highest": X.data.max()}
    return {
        "seconds": seconds,
        "seconds_of_sweeps": np.diff(lines.times).tolist(),
        "peak": peak,
        "peak_increase": peak - before,
        "input": sum(part.nbytes for part in (X.data, X.indices, X.indptr)),
        "rmse": rating_score(held_out.values, predicted, **limits).rmse,
    }


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
