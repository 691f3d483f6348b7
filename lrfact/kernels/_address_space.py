"""How much address space a limit on this process leaves: `ulimit -v`, a batch system's limit."""

import math

try:
    import resource
except ImportError:  # Windows, which has no such limits
    resource = None  # type: ignore[assignment]


def address_space_left() -> float:
    """Return how many bytes this process may still map.

    Returns
    -------
    float
        Infinity without a limit, and where the system does not tell how much is in use
        (all but Linux).
    """
    if resource is None:
        return math.inf
    # The limits by the field of /proc/self/statm that counts against them.
    limits = {
        0: resource.getrlimit(resource.RLIMIT_AS)[0],
        5: resource.getrlimit(resource.RLIMIT_DATA)[0],
    }
    limits = {at: limit for at, limit in limits.items() if limit != resource.RLIM_INFINITY}
    if not limits:
        return math.inf
    try:
        with open("/proc/self/statm", encoding="ascii") as counts:
            n_pages = [int(word) for word in counts.read().split()]
    except OSError:
        return math.inf
    page = resource.getpagesize()
    return float(max(0, min(limit - n_pages[at] * page for at, limit in limits.items())))
