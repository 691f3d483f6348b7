from ._matrices import KINDS, N_COMPONENTS, exact_spectrum, matrix


class PCA:
    param_names = ("matrix",)
    params = (KINDS,)

    def setup(self, kind):
        from lrfact import PCAFromSVD

        self.X = matrix(kind)
        self.model = PCAFromSVD(n_components=N_COMPONENTS, tol=1e-4, random_state=0)

    def time_fit_transform(self, kind):
        self.model.fit_transform(self.X)

    def peakmem_fit_transform(self, kind):
        self.model.fit_transform(self.X)

    def track_max_relative_error(self, kind):
        from objective import Objective

        self.model.fit(self.X)
        score = Objective(self.X, exact_spectrum(self.X, centered=True), centered=True)
        return score(self.model.singular_values_, self.model.components_).max_relative_error
