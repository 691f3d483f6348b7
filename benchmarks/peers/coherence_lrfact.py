"""lrfact.metrics.topic_coherence."""

from __future__ import annotations

from peers import missing

NAME = "lrfact"
TASKS = ("coherence",)
OURS = True


def available():
    return missing("lrfact")


def prepare(documents):
    return documents


def judge(data, topics, measure, n_threads):
    from lrfact.metrics import topic_coherence

    return topic_coherence(topics, data, measure=measure, average=False)
