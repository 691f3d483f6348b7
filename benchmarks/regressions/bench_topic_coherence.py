import numpy as np


class TopicCoherence:
    param_names = ("measure",)
    params = (("u_mass", "npmi", "c_v"),)

    def setup(self, measure):
        from lrfact.metrics import topic_coherence

        rng = np.random.default_rng(0)
        words = np.array([f"word{i}" for i in range(5_000)])
        share = 1.0 / np.arange(10, 5_010)
        lengths = rng.integers(0, 400, 2_000)
        tokens = rng.choice(words, size=lengths.sum(), p=share / share.sum())
        self.documents = [part.tolist() for part in np.split(tokens, np.cumsum(lengths)[:-1])]
        self.topics = rng.choice(words[:1_000], size=(50, 20), replace=False).tolist()
        self.coherence = topic_coherence

    def time_coherence(self, measure):
        self.coherence(self.topics, self.documents, measure=measure)

    def peakmem_coherence(self, measure):
        self.coherence(self.topics, self.documents, measure=measure)
