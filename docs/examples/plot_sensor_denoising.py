"""
Removing noise from five sensors: the true rank is not the best rank
====================================================================

Five sensors record three waves, mixed, with noise of standard deviation 0.3. The clean signal has
rank 3, and the usual advice is to keep the true rank.

It is not the best rank here. The signal-to-noise ratio is 6.3 dB as recorded, 12.5 dB at rank 1,
9.0 at rank 2 and 8.0 at rank 3. The second and third components of the clean signal have singular
values of 1.3 and 0.6, while those of the noise alone reach 0.3 (sqrt(100) + sqrt(5)) = 3.7: these
components of the SVD are noise. A rule with a noise model detects this and does not need the noise
level.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

from lrfact import TruncatedSVDReducer, select_rank

MIXING = np.array(
    [[1, 0.5, 0.3], [0.8, 0.7, 0.2], [0.6, 0.4, 0.5], [0.9, 0.3, 0.4], [0.7, 0.6, 0.3]]
)
NOISE = 0.3


def record(seed=42):
    """The clean signal and the recorded one, 100 points in time by 5 sensors."""
    t = np.linspace(0, 4 * np.pi, 100)
    waves = np.column_stack([np.sin(t), 0.5 * np.cos(2 * t), 0.3 * np.sin(3 * t)])
    clean = waves @ MIXING.T
    noise = NOISE * np.random.RandomState(seed).standard_normal((5, 100))
    return t, clean, clean + noise.T


def signal_to_noise(clean, estimate):
    """In decibels."""
    return float(10 * np.log10(np.sum(clean**2) / np.sum((estimate - clean) ** 2)))


def denoised(recorded, n_components):
    """The recording at this rank (a number or a rule), and the rank."""
    reducer = TruncatedSVDReducer(n_components=n_components).fit(recorded)
    return reducer.inverse_transform(reducer.transform(recorded)), len(reducer.components_)


def ratios_by_rank():
    """Signal-to-noise ratio as recorded, which is rank 5, and at ranks 1 to 4."""
    _, clean, recorded = record()
    return {rank: signal_to_noise(clean, denoised(recorded, rank)[0]) for rank in (5, 1, 2, 3, 4)}


def main():
    t, clean, recorded = record()
    ratios = ratios_by_rank()
    for rank, ratio in ratios.items():
        print(f"rank {rank}: {ratio:5.2f} dB" + ("  (as recorded)" if rank == 5 else ""))
    values = TruncatedSVDReducer(n_components=5).fit(recorded).singular_values_
    print("singular values, recorded:", values.round(2))
    print("singular values, clean:   ", np.linalg.svd(clean, compute_uv=False)[:3].round(2))
    print("what the rules say of the recording:")
    print(select_rank(recorded, compare="all", random_state=0))

    best, rank = denoised(recorded, "gavish-donoho")
    figure, axes = plt.subplots(3, 1, sharex=True, figsize=(8, 6), layout="constrained")
    for ax, estimate, title in (
        (axes[0], recorded, f"as recorded, {ratios[5]:.1f} dB"),
        (axes[1], denoised(recorded, 3)[0], f"rank 3, the true one, {ratios[3]:.1f} dB"),
        (axes[2], best, f"rank {rank}, found by Gavish-Donoho, {ratios[rank]:.1f} dB"),
    ):
        ax.plot(t, estimate[:, 0], color="tab:orange", label="estimate")
        ax.plot(t, clean[:, 0], color="black", lw=1, label="clean")
        ax.set(title=title, ylabel="first sensor", ylim=(-2.3, 2.3))
    axes[0].legend(loc="upper right", ncols=2)
    axes[2].set_xlabel("time")
    return figure


if __name__ == "__main__":
    figure = main()
    if len(sys.argv) > 1:
        figure.savefig(sys.argv[1])
    else:
        plt.show()
