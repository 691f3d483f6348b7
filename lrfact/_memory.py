"""Whether there is memory for what is to be computed, before it is begun."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from lrfact.kernels._address_space import address_space_left

# Less than this is there on any machine; nobody is stopped for it.
_SMALL = 2**26


def require_memory(n_bytes: float, what: str, advice: str) -> None:
    """Refuse to begin a computation for which this process does not have the memory.

    Parameters
    ----------
    n_bytes : float
        Size of what is about to be allocated.

    what : str
        Name of the object, such as "the dense matrix of shape (n, m)".

    advice : str
        Advice to the user, which follows a semicolon.

    Raises
    ------
    MemoryError
        If `n_bytes` is more than `available_memory`.

    Examples
    --------
    >>> from lrfact._memory import require_memory
    >>> require_memory(1e4, "the result", "take fewer rows at a time")
    """
    if n_bytes <= _SMALL:
        return
    available = available_memory()
    if n_bytes > available:
        raise MemoryError(
            f"{what} needs {_gibibytes(n_bytes)} of memory, and {_gibibytes(available)} are "
            f"available; {advice}"
        )


def require_dense(shape: tuple[int, ...], dtype: Any, advice: str, n_copies: int = 1) -> None:
    """Refuse to begin a dense array, or several, for which there is no memory.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array.

    dtype : dtype
        Type of its entries.

    advice : str
        Advice to the user.

    n_copies : int, default=1
        Number of arrays of that size that are in memory at the same time.

    Raises
    ------
    MemoryError
        If they do not fit.
    """
    shape, dtype = tuple(map(int, shape)), np.dtype(dtype)
    what = f"a dense matrix of shape {shape} in {dtype}"
    if n_copies > 1:
        what = f"{n_copies} times {what}"
    # Python's integers do not overflow.
    require_memory(n_copies * dtype.itemsize * math.prod(shape), what, advice)


def require_factors(shape: tuple[int, int], n_components: int) -> None:
    """Refuse a rank with which the factors of a matrix do not fit into the memory.

    Parameters
    ----------
    shape : tuple of two int
        (n_samples, n_features).

    n_components : int
        The rank.

    Raises
    ------
    MemoryError
        If they do not fit even in float32.
    """
    n_rows, n_columns = map(int, shape)
    require_memory(
        4 * int(n_components) * (n_rows + n_columns),
        f"a model of n_components={n_components} of a matrix of shape {(n_rows, n_columns)}",
        "lower n_components",
    )


def available_memory() -> float:
    """Return how many bytes this process can still allocate.

    Returns
    -------
    float
        The least of what the system has left, what the limits of the control groups (containers)
        leave, and what a limit on the address space leaves; infinity where the system does not
        tell (all but Linux).
    """
    return min(address_space_left(), _free_memory(), _control_group_memory())


def _gibibytes(n_bytes: float) -> str:
    amount = n_bytes / 2**30
    return f"{amount:,.0f} GiB" if amount >= 10 else f"{amount:.2g} GiB"


def _free_memory(root: str = "/proc") -> float:
    """Memory that can be had without swapping, and free swap."""
    try:
        lines = Path(root, "meminfo").read_text(encoding="ascii").splitlines()
        kilobytes = {line.split(":")[0]: float(line.split()[1]) for line in lines if ":" in line}
        return 1024 * (kilobytes["MemAvailable"] + kilobytes.get("SwapFree", 0))
    except (OSError, ValueError, KeyError, IndexError):
        return math.inf


def _control_group_memory(proc: str = "/proc", root: str = "/sys/fs/cgroup") -> float:
    """What the groups of this process may still use, in version 2 and in version 1."""
    try:
        lines = Path(proc, "self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return math.inf
    left = math.inf
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            top, names = Path(root), ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            top = Path(root, "memory")
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        # Inside a container the path is that of the host, and only the top is there.
        group = top / path.lstrip("/")
        for folder in (group, *group.parents):
            left = min(left, _left_in(folder, *names))
            if folder == top:
                break
    return left


def _left_in(folder: Path, limit: str, usage: str, cache: str) -> float:
    try:
        most = float((folder / limit).read_text(encoding="ascii"))
        used = float((folder / usage).read_text(encoding="ascii"))
    except (OSError, ValueError):  # no such group, or "max"
        return math.inf
    try:
        stat = (folder / "memory.stat").read_text(encoding="ascii")
        counts = dict(line.split() for line in stat.splitlines())
        used -= float(counts.get(cache, 0))  # pages of files are given back when needed
    except (OSError, ValueError):
        pass
    return max(0.0, most - used)
