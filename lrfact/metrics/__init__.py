"""How good a ranking is: its first k columns against those that are relevant."""

from lrfact.metrics._average_precision import average_precision_at_k
from lrfact.metrics._hits import hit_rate_at_k, precision_at_k, recall_at_k
from lrfact.metrics._ndcg import ndcg_at_k

__all__ = [
    "average_precision_at_k",
    "hit_rate_at_k",
    "ndcg_at_k",
    "precision_at_k",
    "recall_at_k",
]
