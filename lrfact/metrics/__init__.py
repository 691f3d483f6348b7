"""Evaluation metrics of rankings (recommendation, retrieval) and of topic models."""

from lrfact.metrics._average_precision import average_precision_at_k
from lrfact.metrics._hits import hit_rate_at_k, precision_at_k, recall_at_k
from lrfact.metrics._ndcg import ndcg_at_k
from lrfact.metrics._reciprocal_rank import reciprocal_rank_at_k
from lrfact.metrics._topic_coherence import topic_coherence
from lrfact.metrics._topic_diversity import topic_diversity

__all__ = [
    "average_precision_at_k",
    "hit_rate_at_k",
    "ndcg_at_k",
    "precision_at_k",
    "recall_at_k",
    "reciprocal_rank_at_k",
    "topic_coherence",
    "topic_diversity",
]
