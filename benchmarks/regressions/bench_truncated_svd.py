from ._matrices import KINDS, N_COMPONENTS, exact_spectrum, matrix


class TruncatedSVD:
    param_names = ("matrix", "solver")
    params = (KINDS, ("auto", "gram", "randomized", "lanczos"))

    def setup(self, kind, solver):
        from lrfact import TruncatedSVDReducer

        self.X = matrix(kind)
        self.model = TruncatedSVDReducer(
            n_components=N_COMPONENTS, solver=solver, tol=1e-4, random_state=0
        )

    def time_fit(self, kind, solver):
        self.model.fit(self.X)

    def peakmem_fit(self, kind, solver):
        self.model.fit(self.X)

    def track_max_relative_error(self, kind, solver):
        from objective import Objective

        self.model.fit(self.X)
        score = Objective(self.X, exact_spectrum(self.X, centered=False))
        return score(self.model.singular_values_, self.model.components_).max_relative_error
