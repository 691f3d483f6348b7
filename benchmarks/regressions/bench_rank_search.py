from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler


class RankSearch:
    def setup(self):
        from lrfact import PCAFromSVD, RankSearchCV

        self.X = StandardScaler().fit_transform(load_digits().data)
        self.search = RankSearchCV(PCAFromSVD(random_state=0), ranks=range(1, 41), cv=5)

    def time_fit(self):
        self.search.fit(self.X)

    def peakmem_fit(self):
        self.search.fit(self.X)

    def track_best_rank(self):
        return self.search.fit(self.X).best_rank_
