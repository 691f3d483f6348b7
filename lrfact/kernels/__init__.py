"""The compiled core, or its NumPy twins where nothing was compiled.

All kernels are compiled or none is: `IMPLEMENTATION` says which.
"""

from typing import Literal

from lrfact.kernels import _bpr_rows_numpy as _bpr_rows_fallback
from lrfact.kernels import _bpr_sgd_numpy as _bpr_sgd_fallback
from lrfact.kernels import _bpr_triples_numpy as _bpr_triples_fallback
from lrfact.kernels import _csr_product_numpy as _csr_product_fallback
from lrfact.kernels import _dense_product_numpy as _dense_product_fallback
from lrfact.kernels import _implicit_rows_numpy as _implicit_rows_fallback
from lrfact.kernels import _masked_rows_numpy as _masked_rows_fallback
from lrfact.kernels import _masked_sgd_numpy as _masked_sgd_fallback
from lrfact.kernels import _nonnegative_rows_numpy as _nonnegative_rows_fallback
from lrfact.kernels import _poisson_rows_numpy as _poisson_rows_fallback
from lrfact.kernels import _ratio_rows_numpy as _ratio_rows_fallback
from lrfact.kernels import _top_k_numpy as _top_k_fallback
from lrfact.kernels._fallback import KernelFallbackWarning, warn_at_first_use

IMPLEMENTATION: Literal["compiled", "numpy"]

try:
    from lrfact.kernels._bpr_rows import fit_bpr_rows
    from lrfact.kernels._bpr_sgd import descend_bpr_triples
    from lrfact.kernels._bpr_triples import draw_bpr_triples
    from lrfact.kernels._csr_product import csr_gram, csr_matmat, csr_rmatmat
    from lrfact.kernels._dense_product import dense_gram, dense_matmat, dense_rmatmat
    from lrfact.kernels._implicit_rows import solve_implicit_rows
    from lrfact.kernels._masked_rows import leave_one_out_rows, solve_rows
    from lrfact.kernels._masked_sgd import descend_blocks
    from lrfact.kernels._nonnegative_rows import descend_rows, descend_rows_with_missing
    from lrfact.kernels._openmp import max_threads, openmp_enabled
    from lrfact.kernels._poisson_rows import fit_poisson_rows
    from lrfact.kernels._ratio_rows import ratio_rows
    from lrfact.kernels._top_k import top_k
except ImportError as error:
    from lrfact.kernels._openmp_absent import max_threads, openmp_enabled

    IMPLEMENTATION = "numpy"
    # "No module named" (not built) or a loader's message (built, but broken):
    # the difference matters to whoever reads the warning.
    FALLBACK_REASON = str(error)
    csr_gram = warn_at_first_use(_csr_product_fallback.csr_gram, FALLBACK_REASON)
    csr_matmat = warn_at_first_use(_csr_product_fallback.csr_matmat, FALLBACK_REASON)
    csr_rmatmat = warn_at_first_use(_csr_product_fallback.csr_rmatmat, FALLBACK_REASON)
    dense_gram = warn_at_first_use(_dense_product_fallback.dense_gram, FALLBACK_REASON)
    dense_matmat = warn_at_first_use(_dense_product_fallback.dense_matmat, FALLBACK_REASON)
    dense_rmatmat = warn_at_first_use(_dense_product_fallback.dense_rmatmat, FALLBACK_REASON)
    descend_blocks = warn_at_first_use(_masked_sgd_fallback.descend_blocks, FALLBACK_REASON)
    descend_rows = warn_at_first_use(_nonnegative_rows_fallback.descend_rows, FALLBACK_REASON)
    descend_rows_with_missing = warn_at_first_use(
        _nonnegative_rows_fallback.descend_rows_with_missing, FALLBACK_REASON
    )
    descend_bpr_triples = warn_at_first_use(_bpr_sgd_fallback.descend_bpr_triples, FALLBACK_REASON)
    draw_bpr_triples = warn_at_first_use(_bpr_triples_fallback.draw_bpr_triples, FALLBACK_REASON)
    fit_poisson_rows = warn_at_first_use(_poisson_rows_fallback.fit_poisson_rows, FALLBACK_REASON)
    fit_bpr_rows = warn_at_first_use(_bpr_rows_fallback.fit_bpr_rows, FALLBACK_REASON)
    leave_one_out_rows = warn_at_first_use(
        _masked_rows_fallback.leave_one_out_rows, FALLBACK_REASON
    )
    ratio_rows = warn_at_first_use(_ratio_rows_fallback.ratio_rows, FALLBACK_REASON)
    solve_implicit_rows = warn_at_first_use(
        _implicit_rows_fallback.solve_implicit_rows, FALLBACK_REASON
    )
    solve_rows = warn_at_first_use(_masked_rows_fallback.solve_rows, FALLBACK_REASON)
    top_k = warn_at_first_use(_top_k_fallback.top_k, FALLBACK_REASON)
else:
    IMPLEMENTATION = "compiled"
    FALLBACK_REASON = ""

__all__ = [
    "FALLBACK_REASON",
    "IMPLEMENTATION",
    "KernelFallbackWarning",
    "csr_gram",
    "csr_matmat",
    "csr_rmatmat",
    "dense_gram",
    "dense_matmat",
    "dense_rmatmat",
    "descend_blocks",
    "descend_bpr_triples",
    "descend_rows",
    "descend_rows_with_missing",
    "draw_bpr_triples",
    "fit_bpr_rows",
    "fit_poisson_rows",
    "leave_one_out_rows",
    "max_threads",
    "openmp_enabled",
    "ratio_rows",
    "solve_implicit_rows",
    "solve_rows",
    "top_k",
]
