import numpy as np


class MaskedFit:
    param_names = ("solver", "dtype")
    params = (("als", "sgd"), ("float32", "float64"))

    def setup(self, solver, dtype):
        from lrfact import MaskedMF
        from lrfact.datasets import make_ratings
        from lrfact.model_selection import train_test_split_entries

        synthetic = make_ratings(3_000, 1_000, n_ratings=0.05, dtype=dtype, random_state=0)
        self.train, self.test = train_test_split_entries(synthetic.ratings, random_state=0)
        self.estimator = MaskedMF(10, solver=solver, random_state=0, n_jobs=1)

    def time_fit(self, solver, dtype):
        self.estimator.fit(self.train)

    def peakmem_fit(self, solver, dtype):
        self.estimator.fit(self.train)

    def track_held_out_rmse(self, solver, dtype):
        test = self.test.tocoo()
        predicted = self.estimator.fit(self.train).predict_entries(*test.coords)
        return float(np.sqrt(np.mean((predicted - test.data) ** 2)))
