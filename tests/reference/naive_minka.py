"""Log-evidence of a rank, term by term as in Minka (2000), for every pair of axes."""

from math import lgamma, log, pi


def naive_log_evidence(eigenvalues, rank, n_samples):
    """Equation 30 of the technical report, with the uniform prior over directions."""
    n_features = len(eigenvalues)
    noise = sum(eigenvalues[rank:]) / (n_features - rank)
    model = [*eigenvalues[:rank], *[noise] * (n_features - rank)]

    log_prior = -rank * log(2)
    for i in range(rank):
        half = (n_features - i) / 2
        log_prior += lgamma(half) - half * log(pi)

    log_determinant = 0.0
    n_pairs = 0
    for i in range(rank):
        for j in range(i + 1, n_features):
            difference = eigenvalues[i] - eigenvalues[j]
            log_determinant += log(n_samples * difference * (1 / model[j] - 1 / model[i]))
            n_pairs += 1

    return (
        log_prior
        - n_samples / 2 * sum(log(value) for value in model)
        + (n_pairs + rank) / 2 * log(2 * pi)
        - log_determinant / 2
        - rank / 2 * log(n_samples)
    )
