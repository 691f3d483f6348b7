import numpy as np


class TopKProduct:
    param_names = ("dtype", "queries")
    params = (("float32", "float64"), (1, 32, 500))

    def setup(self, dtype, queries):
        from lrfact.linalg.top_k_product import top_k_product

        rng = np.random.default_rng(0)
        self.candidates = rng.standard_normal((100_000, 64)).astype(dtype)
        self.queries = rng.standard_normal((queries, 64)).astype(dtype)
        self.search = top_k_product

    def time_search(self, dtype, queries):
        self.search(self.queries, self.candidates, 10)

    def peakmem_search(self, dtype, queries):
        self.search(self.queries, self.candidates, 10)

    def track_share_missed(self, dtype, queries):
        found = self.search(self.queries, self.candidates, 10)[0]
        scores = self.queries.astype(float) @ self.candidates.astype(float).T
        best = np.argpartition(-scores, 10, axis=1)[:, :10]
        return 1 - float(np.mean([np.isin(f, b).mean() for f, b in zip(found, best, strict=True)]))
