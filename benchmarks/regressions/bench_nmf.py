import warnings

from ._matrices import matrix


class NonnegativeFit:
    param_names = ("loss", "kind")
    params = (("frobenius", "kullback-leibler"), ("sparse text", "dense square"))

    def setup(self, loss, kind):
        from lrfact import NMFTopics

        X = matrix(kind)
        # Sizes of the entries: what matters is the work, not what they mean.
        self.X = abs(X)
        self.estimator = NMFTopics(
            10, beta_loss=loss, init="random", max_iter=30, tol=0, random_state=0, n_jobs=1
        )
        warnings.simplefilter("ignore")

    def time_fit(self, loss, kind):
        self.estimator.fit(self.X)

    def peakmem_fit(self, loss, kind):
        self.estimator.fit(self.X)

    def track_loss(self, loss, kind):
        return self.estimator.fit(self.X).reconstruction_err_
