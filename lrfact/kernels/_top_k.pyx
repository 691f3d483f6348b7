"""The k largest products of each row of one matrix with the rows of another.

A score depends on its two rows and on whether there are few queries, never on the other rows,
on blocks or on threads; and the k best are a matter of the scores alone: ties go to the
smaller index. So the result does not depend on the number of threads.
"""

from cython cimport floating
from cython.parallel cimport prange, threadid
from libc.math cimport INFINITY, NAN
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memcpy

import numpy as np

from lrfact.kernels._thread_count import granted_threads

ctypedef fused index_t:
    int32_t
    int64_t

cdef extern from "_top_k_scores.h" nogil:
    enum:
        LRFACT_PANEL_BYTES
    Py_ssize_t panel_scores_above_f32(
        const float*, Py_ssize_t, const float*, const float*, Py_ssize_t, Py_ssize_t,
        const float*, float*, int32_t*) noexcept
    Py_ssize_t panel_scores_above_f64(
        const double*, Py_ssize_t, const double*, const double*, Py_ssize_t, Py_ssize_t,
        const double*, double*, int32_t*) noexcept
    Py_ssize_t row_scores_above_f32(
        const float*, float, const float*, Py_ssize_t, Py_ssize_t,
        const float*, float*, int32_t*) noexcept
    Py_ssize_t row_scores_above_f64(
        const double*, double, const double*, Py_ssize_t, Py_ssize_t,
        const double*, double*, int32_t*) noexcept

DEF FEW_QUERIES = 3  # a panel for them would be mostly empty
DEF GROUP = 8  # panels for which a block of candidates is read once
DEF BLOCK_ROWS = 240  # a multiple of the rows that are handled together
DEF SMALLEST_BLOCK = 12
DEF BLOCK_BYTES = 1 << 18  # of candidates: small beside the cache of a core
DEF TASKS_PER_THREAD = 4
DEF LIST_ENTRIES = 1 << 20  # of all parts of the candidates together
DEF ENTRIES_FOR_THREADS = 1 << 14  # to look at: fewer take one thread as long as waking another


cdef inline Py_ssize_t _scores_above(
    const floating* panel, Py_ssize_t n_queries, Py_ssize_t n_lanes, const floating* floors,
    const floating* rows, Py_ssize_t n_rows, Py_ssize_t width, const floating* offset,
    floating* scores, int32_t* places,
) noexcept nogil:
    if floating is float:
        if n_lanes == 1:
            return row_scores_above_f32(
                panel, floors[0], rows, n_rows, width, offset, scores, places)
        return panel_scores_above_f32(
            panel, n_queries, floors, rows, n_rows, width, offset, scores, places)
    else:
        if n_lanes == 1:
            return row_scores_above_f64(
                panel, floors[0], rows, n_rows, width, offset, scores, places)
        return panel_scores_above_f64(
            panel, n_queries, floors, rows, n_rows, width, offset, scores, places)


cdef inline bint _is_worse(
    floating score, Py_ssize_t index, floating other_score, Py_ssize_t other_index,
) noexcept nogil:
    return score < other_score or (score == other_score and index > other_index)


cdef inline void _sift_down(
    floating* scores, Py_ssize_t* indices, Py_ssize_t n_kept, floating score, Py_ssize_t index,
) noexcept nogil:
    """Put an entry in the place of the first of a heap, whose first is the worst."""
    cdef Py_ssize_t parent = 0, child = 1
    while child < n_kept:
        if child + 1 < n_kept and _is_worse(
            scores[child + 1], indices[child + 1], scores[child], indices[child]
        ):
            child = child + 1
        if not _is_worse(scores[child], indices[child], score, index):
            break
        scores[parent], indices[parent] = scores[child], indices[child]
        parent, child = child, 2 * child + 1
    scores[parent], indices[parent] = score, index


cdef inline void _keep(
    floating* scores, Py_ssize_t* indices, Py_ssize_t k, Py_ssize_t* n_kept,
    floating score, Py_ssize_t index,
) noexcept nogil:
    """Put an entry in a heap of at most k, from which the worst falls out."""
    cdef Py_ssize_t child, parent
    if n_kept[0] == k:
        if _is_worse(scores[0], indices[0], score, index):
            _sift_down(scores, indices, k, score, index)
        return
    child = n_kept[0]
    n_kept[0] += 1
    while child > 0:
        parent = (child - 1) // 2
        if not _is_worse(score, index, scores[parent], indices[parent]):
            break
        scores[child], indices[child] = scores[parent], indices[parent]
        child = parent
    scores[child], indices[child] = score, index


cdef inline void _sort_best_first(
    floating* scores, Py_ssize_t* indices, Py_ssize_t k, Py_ssize_t n_kept,
) noexcept nogil:
    """Turn a heap into a descending list, filled up with index -1."""
    cdef Py_ssize_t last, index
    cdef floating score
    for last in range(n_kept - 1, 0, -1):
        score, index = scores[last], indices[last]
        scores[last], indices[last] = scores[0], indices[0]
        _sift_down(scores, indices, last, score, index)
    for last in range(n_kept, k):
        scores[last], indices[last] = -INFINITY, -1


cdef inline bint _rises_inside(
    const index_t* values, int64_t start, int64_t stop, int64_t n_values, int64_t limit,
    bint may_repeat,
) noexcept nogil:
    """Whether values[start:stop] lies inside the array, and its values rise inside [0, limit)."""
    cdef int64_t i, smallest = 0
    if start < 0 or stop < start or stop > n_values:
        return False
    for i in range(start, stop):
        if values[i] < smallest or values[i] >= limit:
            return False
        smallest = values[i] + (0 if may_repeat else 1)
    return True


cdef inline void _pack(
    const floating* queries, Py_ssize_t n_queries, Py_ssize_t width, Py_ssize_t n_lanes,
    floating* panels,
) noexcept nogil:
    """Copy queries into panels, entry by entry beside each other; missing queries are zero."""
    cdef Py_ssize_t q, f
    cdef floating* lane
    for q in range((n_queries + n_lanes - 1) // n_lanes * n_lanes):
        lane = panels + (q // n_lanes) * n_lanes * width + q % n_lanes
        for f in range(width):
            lane[f * n_lanes] = queries[q * width + f] if q < n_queries else 0


cdef inline void _gather(
    const floating* candidates, Py_ssize_t width, const floating* offset,
    const int64_t* chosen, Py_ssize_t n_rows, floating* rows, floating* row_offset,
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n_rows):
        memcpy(rows + i * width, candidates + chosen[i] * width, width * sizeof(floating))
        if offset != NULL:
            row_offset[i] = offset[chosen[i]]


cdef void _search(
    const floating* queries, Py_ssize_t n_queries, Py_ssize_t width, Py_ssize_t n_lanes,
    const floating* candidates, const floating* offset, const int64_t* allowed,
    Py_ssize_t start, Py_ssize_t stop, Py_ssize_t block_rows,
    const index_t* excluded, const index_t* indptr,
    floating* panels, floating* floors, int64_t* passed,
    floating* gathered, floating* gathered_offset, floating* found, int32_t* places,
    Py_ssize_t k, floating* scores, Py_ssize_t* indices, Py_ssize_t* n_kept,
) noexcept nogil:
    """Offer some candidates, from position `start` to `stop`, to the heaps of some queries."""
    cdef:
        Py_ssize_t n_rows, at, h, q, panel, first, n_found, index
        Py_ssize_t n_padded = (n_queries + n_lanes - 1) // n_lanes * n_lanes
        const floating* rows
        const floating* row_offset
        floating score

    _pack(queries, n_queries, width, n_lanes, panels)
    for q in range(n_padded):
        floors[q] = NAN if q < n_queries else INFINITY  # all pass until there are k
    for q in range(n_queries):
        passed[q] = indptr[q]
    while start < stop:
        n_rows = min(block_rows, stop - start)
        at = start if allowed == NULL else allowed[start]
        if allowed == NULL or allowed[start + n_rows - 1] - at == n_rows - 1:
            rows, row_offset = candidates + at * width, NULL
            if offset != NULL:
                row_offset = offset + at
        else:
            _gather(
                candidates, width, offset, allowed + start, n_rows, gathered, gathered_offset
            )
            rows, row_offset = gathered, NULL
            if offset != NULL:
                row_offset = gathered_offset
        for panel in range(n_padded // n_lanes):
            first = panel * n_lanes
            n_found = _scores_above(
                panels + first * width, min(n_lanes, n_queries - first), n_lanes, floors + first,
                rows, n_rows, width, row_offset, found, places,
            )
            for h in range(n_found):
                q = first + places[h] % n_lanes
                score = found[h]
                if score <= floors[q]:
                    continue  # the floor has risen since
                index = start + places[h] // n_lanes
                if allowed != NULL:
                    index = allowed[index]
                # Candidates come in ascending order, as the excluded ones do.
                while passed[q] < indptr[q + 1] and excluded[passed[q]] < index:
                    passed[q] += 1
                if passed[q] < indptr[q + 1] and excluded[passed[q]] == index:
                    continue
                if score != score:
                    score = -INFINITY
                _keep(scores + q * k, indices + q * k, k, &n_kept[q], score, index)
                if n_kept[q] == k:
                    floors[q] = scores[q * k]
        start += block_rows


cdef Py_ssize_t _n_parts(
    Py_ssize_t n_queries, Py_ssize_t n_groups, Py_ssize_t n_blocks, Py_ssize_t k, int n_threads,
):
    """Into how many parts the candidates are split: one, unless threads would be idle."""
    cdef Py_ssize_t n_requested = (TASKS_PER_THREAD * n_threads + n_groups - 1) // n_groups
    if n_threads == 1:
        return 1
    return max(1, min(n_requested, n_blocks, LIST_ENTRIES // (n_queries * k)))


def _check(
    queries_shape, candidates_shape, n_offsets, Py_ssize_t n_pointers, scores_shape,
    indices_shape, int n_threads,
):
    if queries_shape[1] != candidates_shape[1]:
        raise ValueError(
            f"queries have {queries_shape[1]} columns and candidates {candidates_shape[1]}; they "
            "must have as many"
        )
    if queries_shape[1] == 0:
        raise ValueError("queries and candidates have no columns; they need at least one")
    if n_offsets is not None and n_offsets != candidates_shape[0]:
        raise ValueError(f"offset has {n_offsets} entries; it must have {candidates_shape[0]}")
    if n_pointers != queries_shape[0] + 1:
        raise ValueError(f"indptr has {n_pointers} entries; it must have {queries_shape[0] + 1}")
    if scores_shape[0] != queries_shape[0]:
        raise ValueError(f"scores has {scores_shape[0]} rows; it must have {queries_shape[0]}")
    if indices_shape != scores_shape:
        raise ValueError(f"indices has shape {indices_shape}; scores has {scores_shape}")
    if n_threads < 1:
        raise ValueError(f"n_threads={n_threads} must be at least 1")


def top_k(
    const floating[:, ::1] queries not None,     # IN   (n_queries, width)
    const floating[:, ::1] candidates not None,  # IN   (n_candidates, width)
    const floating[::1] offset,                  # IN   (n_candidates,) or None
    const index_t[::1] excluded not None,        # IN   (nnz,)  rising in each row
    const index_t[::1] indptr not None,          # IN   (n_queries + 1,)
    const int64_t[::1] allowed,                  # IN   (n_allowed,) rising, or None
    floating[:, ::1] scores not None,            # OUT  (n_queries, k)
    Py_ssize_t[:, ::1] indices not None,         # OUT  (n_queries, k)
    int n_threads,
):
    cdef:
        Py_ssize_t n_queries = queries.shape[0]
        Py_ssize_t n_candidates = candidates.shape[0]
        Py_ssize_t width = queries.shape[1]
        Py_ssize_t k = scores.shape[1]
        Py_ssize_t n_positions = n_candidates if allowed is None else allowed.shape[0]
        int64_t n_excluded = excluded.shape[0]
        Py_ssize_t n_lanes, per_group, n_groups, n_parts, part_rows, block_rows
        Py_ssize_t task, part, first, start, i, j
        int thread, n_awake
        uint8_t[::1] sound
        floating[:, ::1] panels, floors, gathered, gathered_offset, found
        int32_t[:, ::1] places
        int64_t[:, ::1] passed
        floating[:, :, ::1] part_scores
        Py_ssize_t[:, :, ::1] part_indices
        Py_ssize_t[:, ::1] n_kept
        Py_ssize_t[::1] merged
        const floating* of_offset = NULL
        const index_t* of_excluded = NULL
        const int64_t* of_allowed = NULL

    _check(
        (n_queries, width), (n_candidates, candidates.shape[1]),
        None if offset is None else offset.shape[0], indptr.shape[0],
        (scores.shape[0], k), (indices.shape[0], indices.shape[1]), n_threads,
    )
    if n_excluded > 0:
        of_excluded = &excluded[0]
    sound = np.zeros(n_queries, dtype=np.uint8)
    n_threads = granted_threads(n_threads)
    n_awake = n_threads if n_excluded > ENTRIES_FOR_THREADS else 1
    for i in prange(n_queries, nogil=True, schedule="static", num_threads=n_awake):
        sound[i] = _rises_inside(
            of_excluded, indptr[i], indptr[i + 1], n_excluded, n_candidates, True
        )
    if not np.asarray(sound).all():
        raise ValueError(
            f"row {int(np.argmin(sound))} of the excluded entries is damaged: indptr must rise "
            "from 0 to their number, and in each row they must rise and lie inside the candidates"
        )
    if allowed is not None and n_positions > 0:
        of_allowed = &allowed[0]
        if not _rises_inside(of_allowed, 0, n_positions, n_positions, n_candidates, False):
            raise ValueError("allowed must rise, without repetition, and lie inside the candidates")
    if n_queries == 0 or k == 0 or n_positions == 0:
        np.asarray(scores)[...] = -np.inf
        np.asarray(indices)[...] = -1
        return
    if offset is not None:
        of_offset = &offset[0]

    n_lanes = 1 if n_queries <= FEW_QUERIES else LRFACT_PANEL_BYTES // <int> sizeof(floating)
    per_group = min(GROUP * n_lanes, (n_queries + n_lanes - 1) // n_lanes * n_lanes)
    n_groups = (n_queries + per_group - 1) // per_group
    block_rows = min(
        BLOCK_ROWS, max(SMALLEST_BLOCK, BLOCK_BYTES // (width * <int> sizeof(floating)))
    )
    n_parts = _n_parts(n_queries, n_groups, n_positions // block_rows, k, n_threads)
    part_rows = (n_positions + n_parts - 1) // n_parts

    dtype = np.asarray(scores).dtype
    panels = np.empty((n_threads, per_group * width), dtype=dtype)
    floors = np.empty((n_threads, per_group), dtype=dtype)
    passed = np.empty((n_threads, per_group), dtype=np.int64)
    gathered = np.empty((n_threads, block_rows * width if allowed is not None else 1), dtype=dtype)
    gathered_offset = np.empty((n_threads, block_rows), dtype=dtype)
    found = np.empty((n_threads, block_rows * n_lanes), dtype=dtype)
    places = np.empty((n_threads, block_rows * n_lanes), dtype=np.int32)
    n_kept = np.zeros((n_parts, n_queries), dtype=np.intp)
    if n_parts == 1:
        part_scores, part_indices = np.asarray(scores)[None], np.asarray(indices)[None]
    else:
        part_scores = np.empty((n_parts, n_queries, k), dtype=dtype)
        part_indices = np.empty((n_parts, n_queries, k), dtype=np.intp)

    for task in prange(
        n_groups * n_parts, nogil=True, schedule="dynamic", chunksize=1, num_threads=n_threads
    ):
        part = task // n_groups
        first = (task % n_groups) * per_group
        start = part * part_rows
        thread = threadid()
        _search(
            &queries[first, 0], min(per_group, n_queries - first), width, n_lanes,
            &candidates[0, 0], of_offset, of_allowed,
            start, min(start + part_rows, n_positions), block_rows,
            of_excluded, &indptr[first],
            &panels[thread, 0], &floors[thread, 0], &passed[thread, 0],
            &gathered[thread, 0], &gathered_offset[thread, 0],
            &found[thread, 0], &places[thread, 0],
            k, &part_scores[part, first, 0], &part_indices[part, first, 0], &n_kept[part, first],
        )
    if n_parts > 1:
        merged = np.zeros(n_queries, dtype=np.intp)
    else:
        merged = n_kept[0]
    n_awake = n_threads if n_parts * n_queries * k > ENTRIES_FOR_THREADS else 1
    for i in prange(n_queries, nogil=True, schedule="static", num_threads=n_awake):
        if n_parts > 1:
            for part in range(n_parts):
                for j in range(n_kept[part, i]):
                    _keep(
                        &scores[i, 0], &indices[i, 0], k, &merged[i],
                        part_scores[part, i, j], part_indices[part, i, j],
                    )
        _sort_best_first(&scores[i, 0], &indices[i, 0], k, merged[i])
