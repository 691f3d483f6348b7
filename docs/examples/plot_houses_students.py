"""
Interpreting loadings of houses, predicting missing grades of students
======================================================================

Ten numbers describe each of 100 houses. They are generated from two factors, luxury (size, rooms,
baths, garage, garden) and location (center, school, transit, safety); the price depends on both. It
is often said that the two principal components *are* these factors. This is not quite true.
Together they span nearly the plane of the factors, so that a regression on both explains 94 % of
luxury and 92 % of location. But inside this plane the components follow the largest variance, which
is determined by chance: luxury and location were drawn independently, but have a correlation of
-0.14 in this sample. The first component is luxury minus some location (correlations 0.93 and
-0.38), the second location plus some luxury (0.88 and 0.26). The loadings show groups of columns,
but a single component is not a factor.

The second data set has 200 students with eight grades, generated from a talent for sciences and one
for humanities, with noise of 4 points; 30 % of the grades are held out. Imputation by 0 has an
error of 71 points, the grade itself; the mean of the subject has an error of 8.2. Two components of
an SVD improve imputation by means (5.5), while imputation by zeros remains useless (41). `MaskedMF`
on the observed grades reaches 4.9, not far from the noise, which no method removes.

It needs one factor for this, not two. The row bias already models the general level of a student,
and one factor is left to distinguish sciences from humanities. A second factor makes predictions
worse, and the leave-one-out error, which does not need held-out grades, shows this as well.

The leave-one-out error also gives prediction intervals: each observed grade is predicted from the
others of its row, and ``-score(X)`` is the root mean square of the differences. This standard
deviation is the same for all students and subjects, and covers the noise as well as the error of
the model. Of normal errors 68 % and 95 % are within one and two standard deviations; of the
held-out grades 69 % and 96 % are. The estimate is slightly optimistic, as the factors of a subject
were learned from the predicted grades, too: 5.11 compared with 5.18 in unseen rows, with a larger
difference for more factors.

`BayesianMF` does not need a rank: with the eight factors that eight columns allow it also reaches
4.9. Each predicted grade has its own standard deviation, from 3.8 points to 9.2, which is small for
students with many grades. Of the held-out grades 70 % and 97 % are within one and two of them.
"""

import sys
from functools import cache

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import StandardScaler

from lrfact import BayesianMF, MaskedMF, PCAFromSVD, TruncatedSVDReducer

HOUSE = (
    "size",
    "rooms",
    "baths",
    "garage",
    "garden",
    "center",
    "school",
    "transit",
    "safety",
    "price",
)
SUBJECTS = ("maths", "physics", "chemistry", "computing", "literature", "history", "art", "English")


def make_houses(seed=1):
    """Standard scores of 100 houses in 10 columns, and their luxury and location."""
    rng = np.random.RandomState(seed)
    factors = rng.standard_normal((100, 2))
    of_luxury = [1, 0.9, 0.8, 0.8, 0.7, 0, 0, 0, 0, 0.8]
    of_location = [0, 0, 0, 0, 0, 1, 0.9, 0.9, 0.8, 0.6]
    noise = 0.5 * rng.standard_normal((100, 10))
    return factors @ np.array([of_luxury, of_location]) + noise, factors


def read_loadings():
    """The components, their correlations with the factors made, and R2 of a factor on both."""
    X, factors = make_houses()
    model = PCAFromSVD(n_components=2)
    found = model.fit_transform(StandardScaler().fit_transform(X))
    correlations = np.corrcoef(found.T, factors.T)[:2, 2:]
    # Principal components are uncorrelated, so their shares of the variance add up.
    return model.components_, correlations, (correlations**2).sum(axis=0)


def make_grades(seed=1):
    """200 x 8 grades, and the same with 30 % of them missing."""
    rng = np.random.RandomState(seed)
    talents = rng.standard_normal((200, 2))
    of_sciences = [9, 8, 7, 7, 0, 0, 1, 2]
    of_humanities = [0, 0, 1, 0, 8, 8, 7, 6]
    means = np.array([65, 62, 68, 70, 72, 70, 74, 78])
    grades = means + talents @ np.array([of_sciences, of_humanities])
    grades += 4 * rng.standard_normal(grades.shape)
    return grades, np.where(rng.random_sample(grades.shape) < 0.3, np.nan, grades)


def model_of_grades(n_components=1):
    return MaskedMF(n_components, reg=0.3, random_state=0)


def completions():
    """Each way to complete the grades: a table without holes."""
    _, observed = make_grades()
    hidden = np.isnan(observed)
    tables = {}
    for name, fill in (("0", 0.0), ("mean", np.nanmean(observed, axis=0))):
        filled = np.where(hidden, fill, observed)
        svd = TruncatedSVDReducer(n_components=2)
        tables[f"filled by {name}"] = filled
        tables[f"filled by {name}, SVD of rank 2"] = svd.inverse_transform(
            svd.fit_transform(filled)
        )
    for rank in (1, 2, 3):
        tables[f"MaskedMF, rank {rank}"] = model_of_grades(rank).fit(observed).predict(observed)
    tables["BayesianMF"] = with_error_bars()[0]
    return tables


def errors_on_hidden():
    """Root mean square error of each way."""
    grades, observed = make_grades()
    hidden = np.isnan(observed)
    return {
        name: float(np.sqrt(np.mean((table - grades)[hidden] ** 2)))
        for name, table in completions().items()
    }


def spreads(n_components=1):
    """Leaving one grade out: in the rows of the fit, and in rows that it has not seen."""
    _, observed = make_grades()
    model = model_of_grades(n_components).fit(observed)
    unseen = cross_val_score(model_of_grades(n_components), observed)
    return -model.score(observed), float(-unseen.mean())


@cache
def with_error_bars():
    """Completed grades and their standard deviations, with nothing to choose."""
    _, observed = make_grades()
    return BayesianMF(random_state=0).fit(observed).predict(observed, return_std=True)


def share_within_own(n_bars=1):
    """Share of the hidden grades within so many of their own error bars."""
    grades, observed = make_grades()
    mean, std = with_error_bars()
    return float(np.mean((np.abs(mean - grades) < n_bars * std)[np.isnan(observed)]))


def share_within(n_bars=1):
    """Share of the hidden grades within so many error bars of the prediction."""
    grades, observed = make_grades()
    model = model_of_grades().fit(observed)
    misses = np.abs(model.predict(observed) - grades)[np.isnan(observed)]
    return float(np.mean(misses < -n_bars * model.score(observed)))


def main():
    components, correlations, known = read_loadings()
    print("houses, loadings on two components:")
    for name, first, second in zip(HOUSE, *components, strict=True):
        print(f"  {name:8} {first:5.2f} {second:5.2f}")
    _, factors = make_houses()
    print(f"luxury and location, correlation: {np.corrcoef(factors.T)[0, 1]:.2f}")
    print("correlation with luxury and location:")
    for place, row in zip(("first", "second"), correlations, strict=True):
        print(f"  {place} component: {row[0]:.2f} and {row[1]:.2f}")
    print(f"share of each factor that both tell: {known[0]:.2f} and {known[1]:.2f}")

    print("\nhidden grades, RMSE:")
    errors = errors_on_hidden()
    for name, error in errors.items():
        print(f"  {name:30} {error:6.2f}")
    print("leaving one grade out, rows of the fit and unseen rows:")
    for rank in (1, 2, 3):
        seen, unseen = spreads(rank)
        print(f"  rank {rank}: {seen:.2f} and {unseen:.2f}")
    print(f"hidden grades within one error bar: {share_within(1):.0%}, two: {share_within(2):.0%}")
    one, two = share_within_own(1), share_within_own(2)
    print(f"within their own, from BayesianMF: {one:.0%} and {two:.0%}")

    grades, observed = make_grades()
    mean, std = with_error_bars()
    bars = std[np.isnan(observed)]
    print(f"these are {bars.min():.1f} to {bars.max():.1f} points long")
    figure, axes = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")
    places = np.arange(10)
    for shift, loadings, name in zip((-0.2, 0.2), components, ("first", "second"), strict=True):
        axes[0].barh(places + shift, loadings, height=0.4, label=name)
    axes[0].axvline(0, color="black", lw=0.8)
    axes[0].invert_yaxis()
    axes[0].set(title="houses", xlabel="loading", yticks=places, yticklabels=HOUSE)
    axes[0].set_xlim(-0.3, 0.9)
    axes[0].legend(title="component", loc="upper right")

    names = [name for name in errors if name != "filled by 0"]
    axes[1].barh(names, [errors[name] for name in names])
    axes[1].axvline(4, color="black", ls="--", lw=1, label="noise")
    axes[1].invert_yaxis()
    axes[1].set(title=f"hidden grades (filled by 0: {errors['filled by 0']:.0f})", xlabel="RMSE")
    axes[1].legend(loc="lower right")

    student = int(np.argmax(np.isnan(observed).sum(axis=1) == 3))
    hidden = np.isnan(observed[student])
    places = np.arange(8)
    axes[2].errorbar(
        places[hidden],
        mean[student, hidden],
        yerr=std[student, hidden],
        fmt="o",
        capsize=4,
        label="completed",
    )
    axes[2].plot(places[~hidden], observed[student, ~hidden], "ks", label="known")
    axes[2].plot(places[hidden], grades[student, hidden], "kx", label="hidden")
    axes[2].set(
        title=f"grades of student {student + 1}",
        ylabel="points",
        xticks=places,
        xticklabels=SUBJECTS,
    )
    axes[2].tick_params(axis="x", rotation=60)
    axes[2].legend()
    return figure


if __name__ == "__main__":
    figure = main()
    if len(sys.argv) > 1:
        figure.savefig(sys.argv[1])
    else:
        plt.show()
