"""Bayesian factorization as its definition says: normal distributions by inverses, no shortcuts."""

import numpy as np
from scipy.stats import wishart


def normal(rng, mean, covariance):
    return rng.multivariate_normal(mean, covariance, method="cholesky")


def naive_posterior(y, columns, mean, precision, noise):
    """Mean and covariance of a row (w, b) with entries y = w'v + b + c + noise."""
    D = np.column_stack([columns[:, :-1], np.ones(len(columns))])
    covariance = np.linalg.inv(precision + D.T @ D / noise**2)
    return covariance @ (precision @ mean + D.T @ (y - columns[:, -1]) / noise**2), covariance


def naive_left_out(y, columns, mean, precision, noise):
    """Each entry less what is expected of it given the others of the row."""
    residuals = []
    for j in range(len(y)):
        others = np.arange(len(y)) != j
        x, _ = naive_posterior(y[others], columns[others], mean, precision, noise)
        residuals.append(y[j] - x[:-1] @ columns[j, :-1] - x[-1] - columns[j, -1])
    return np.array(residuals)


def naive_prior(vectors, link, link_precision, rng):
    """Mean and precision given vectors less what is linked: normal-Wishart."""
    n, p = vectors.shape
    average = vectors.mean(axis=0)
    scatter = np.eye(p) + (vectors - average).T @ (vectors - average)
    scatter += n / (n + 1) * np.outer(average, average) + link_precision * link.T @ link
    freedom = p + n + len(link)
    precision = np.atleast_2d(wishart(freedom, np.linalg.inv(scatter)).rvs(random_state=rng))
    mean = normal(rng, n * average / (n + 1), np.linalg.inv(precision) / (n + 1))
    return mean, precision


def naive_link(vectors, features, mean, precision, link_precision, rng):
    """Weights and precision of the regression of vectors on features."""
    r, p = features.shape[1], vectors.shape[1]
    of_features = np.linalg.inv(features.T @ features + link_precision * np.eye(r))
    if not r:
        return np.zeros((0, p)), link_precision
    center = of_features @ features.T @ (vectors - mean)
    covariance = np.kron(of_features, np.linalg.inv(precision))
    weights = normal(rng, center.ravel(), covariance).reshape(r, p)
    size = np.trace(weights @ precision @ weights.T)
    return weights, rng.gamma((1 + r * p) / 2, 2 / (1 + size))


def naive_gibbs(Y, features, k, n_sweeps, rng):
    """Mean prediction, its variance and the mean noise of a chain; Y has NaN for holes."""
    sides = [Y, Y.T]
    vectors = [np.column_stack([rng.normal(0, 0.1, (len(A), k)), np.zeros(len(A))]) for A in sides]
    links = [(np.zeros((F.shape[1], k + 1)), 1.0) for F in features]
    noise, told, noises = 0.7, [], []
    for _ in range(n_sweeps):
        for a, A in enumerate(sides):
            F, others = features[a], vectors[1 - a]
            mean, precision = naive_prior(vectors[a] - F @ links[a][0], *links[a], rng)
            links[a] = naive_link(vectors[a], F, mean, precision, links[a][1], rng)
            expected = mean + F @ links[a][0]
            for i, row in enumerate(A):
                seen = ~np.isnan(row)
                x, covariance = naive_posterior(
                    row[seen], others[seen], expected[i], precision, noise
                )
                vectors[a][i] = normal(rng, x, covariance)
        W, V = vectors
        predicted = W[:, :k] @ V[:, :k].T + W[:, k:] + V[:, k]
        errors = (Y - predicted)[~np.isnan(Y)]
        noise = rng.gamma((1 + len(errors)) / 2, 2 / (1e-6 + errors @ errors)) ** -0.5
        told.append(predicted)
        noises.append(noise)
    told, noises = told[n_sweeps // 10 :], noises[n_sweeps // 10 :]
    return np.mean(told, axis=0), np.std(told, axis=0), np.mean(noises)
