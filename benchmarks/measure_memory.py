"""Peak memory of one fit above the loaded data; ``tasks/memory.py`` runs it in a fresh process.

The high-water mark of the resident set never falls by itself, so what happens before the fit must
not raise it: the matrix comes from an uncompressed file straight into its arrays, and a fit of a
small matrix has loaded libraries and made BLAS allocate its buffers. On Linux the mark is also set
back to the present size before the fit.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import warnings
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from datasets import all_datasets, read_matrix  # noqa: F401
from peers import peers_for

STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")


def peak_bytes() -> int:
    """High-water mark of the resident set."""
    if STATUS.exists():
        for line in STATUS.read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def reset_peak() -> bool:
    """Set the high-water mark back to the present size; False where the system cannot."""
    try:
        CLEAR_REFS.write_text("5")
    except OSError:
        return False
    return True


def small_matrix(X):
    """A matrix of the same kind, large enough for every BLAS path and small enough not to count."""
    rng = np.random.default_rng(0)
    dense = rng.standard_normal((120, 80)).astype(X.dtype)
    return sp.csr_array(np.where(dense > 1, dense, 0)) if sp.issparse(X) else dense


def measure(path: str, file: str, task: str, k: int, setting: dict) -> dict:
    peer = peers_for(task, [file])[file]
    X = read_matrix(Path(path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer.fit(task, small_matrix(X), 3, _for_small(setting), 0)
        gc.collect()
        exact_mark = reset_peak()
        before = peak_bytes()
        factors = peer.fit(task, X, k, setting, 0)
        after = peak_bytes()
    n_bytes = sum(part.nbytes for part in (X.data, X.indices, X.indptr)) if sp.issparse(X) else 0
    return {
        "peak_increase": after - before,
        "input": n_bytes or X.nbytes,
        "factors": sum(X.shape) * k * X.dtype.itemsize,
        "mark_reset": exact_mark,
        "found": int(np.size(factors.s)),
    }


def _for_small(setting: dict) -> dict:
    # A sketch sized for the real rank does not fit the small matrix.
    limits = {"l": 5, "n_oversamples": 5, "n_iter": 2}
    return {name: min(value, limits.get(name, value)) if name in limits else value
            for name, value in setting.items()}  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
