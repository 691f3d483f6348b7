import numpy as np

from ._matrices import matrix


class SparseTimesDense:
    param_names = ("product", "dtype", "width")
    params = (("X @ B", "X.T @ B"), ("float32", "float64"), (1, 16, 100))

    def setup(self, product, dtype, width):
        from peers.product_lrfact import multiplier

        X = matrix("sparse text").astype(dtype)
        transpose = product == "X.T @ B"
        n_rows = X.shape[0 if transpose else 1]
        self.B = np.random.default_rng(0).standard_normal((n_rows, width)).astype(dtype)
        self.exact = (X.T if transpose else X).astype(float) @ self.B.astype(float)
        self.multiply = multiplier(X, transpose, n_threads=1)

    def time_product(self, product, dtype, width):
        self.multiply(self.B)

    def peakmem_product(self, product, dtype, width):
        self.multiply(self.B)

    def track_error(self, product, dtype, width):
        return float(np.abs(self.multiply(self.B) - self.exact).max() / np.abs(self.exact).max())
