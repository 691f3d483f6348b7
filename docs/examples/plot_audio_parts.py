"""
Audio source separation by NMF: notes of a recording
====================================================

Four plucked strings, alone and in chords. The magnitude of the short-time Fourier transform is a
non-negative matrix of times by frequencies. Each note is one spectrum times its loudness, so that
notes are components of a non-negative matrix factorization, without information on which notes are
played or when. To recover one note, the transform of the recording is multiplied by the fraction of
its component in each entry (a mask), and inverted.

How many components? With the Frobenius loss, four components are enough for four notes: all of
thirty initializations converge to the same minimum. With Kullback-Leibler, the usual choice for
sound, four are not enough. This loss gives more weight to small entries, and so to the few instants
at which strings are plucked and all frequencies sound. One component models these clicks, and C4 is
merged into the others. Thirty initializations end in five different minima, only four of them in
the best one, and `stability_` is 0.79. With a fifth component the loss is half as large, 25 of
thirty initializations agree, and the fifth component models the clicks. Squared magnitudes, which
give loud entries more weight, need only four components with Kullback-Leibler, too, and separate
the notes best.

The last line of the output is the result of masks computed from the true notes. NMF is as good, so
the remaining error is due to masking: each entry has the phase of the recording, and C4 and C5, an
octave apart, have all harmonics of C5 in common, where the phase is that of neither note.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from lrfact import NMFTopics

RATE = 8000  # samples a second
PITCH = {"C4": 261.63, "E4": 329.63, "G4": 392.00, "C5": 523.25}  # Hz
SCORE = {
    0.0: "C4",
    0.5: "E4",
    1.0: "G4",
    1.5: "C4 E4 G4",
    2.5: "C5",
    3.0: "E4 C5",
    3.5: "C4 G4",
    4.0: "C4 E4 G4 C5",
}  # what begins at which second
SPECTRA = ShortTimeFFT(hann(1024, sym=False), hop=256, fs=RATE)

# Components, loss, and the power of the magnitudes that is factorized.
WAYS = {
    "4, Frobenius, magnitudes": (4, "frobenius", 1),
    "4, Kullback-Leibler, magnitudes": (4, "kullback-leibler", 1),
    "5, Kullback-Leibler, magnitudes": (5, "kullback-leibler", 1),
    "4, Kullback-Leibler, powers": (4, "kullback-leibler", 2),
}


def play(pitch, seconds):
    """A plucked string: seven harmonics that fade, and a soft end."""
    harmonics = np.arange(1, 8)[:, np.newaxis]
    waves = 0.6 ** (harmonics - 1) * np.sin(2 * np.pi * harmonics * pitch * seconds + harmonics)
    ends = np.minimum(1, seconds / 0.01) * np.minimum(1, (seconds[-1] - seconds) / 0.03)
    return waves.sum(axis=0) * np.exp(-2.5 * seconds) * ends


def record():
    """Each note alone, and the recording: all of them, and a little noise."""
    n_samples = int(5.2 * RATE)
    notes = {name: np.zeros(n_samples) for name in PITCH}
    for start, names in SCORE.items():
        first = int(start * RATE)
        seconds = np.arange(min(int(0.9 * RATE), n_samples - first)) / RATE
        for name in names.split():
            notes[name][first : first + len(seconds)] += play(PITCH[name], seconds)
    noise = 0.01 * np.random.default_rng(0).normal(size=n_samples)
    return notes, sum(notes.values()) + noise


def split(recording, n_components, beta_loss, power):
    """The model, when each component sounds, and the recording through the mask of each."""
    spectrogram = SPECTRA.stft(recording)  # frequencies x times
    model = NMFTopics(
        n_components, beta_loss=beta_loss, n_init=30, tol=1e-5, max_iter=3000, random_state=0
    )
    W = model.fit_transform(np.abs(spectrogram.T) ** power)
    sums = W @ model.components_
    masks = W.T[:, :, np.newaxis] * model.components_[:, np.newaxis]
    masks = np.divide(masks, sums, out=np.zeros_like(masks), where=sums > 0)
    return model, W, [through(mask.T, spectrogram, recording) for mask in masks]


def through(mask, spectrogram, recording):
    """What a mask leaves of the recording."""
    return SPECTRA.istft(mask * spectrogram, k1=len(recording))


def ideal(notes, recording):
    """The same with masks made from the notes themselves."""
    alone = {name: np.abs(SPECTRA.stft(note)) for name, note in notes.items()}
    total = sum(alone.values()) + np.abs(SPECTRA.stft(recording - sum(notes.values())))
    spectrogram = SPECTRA.stft(recording)
    return [through(part / total, spectrogram, recording) for part in alone.values()]


def decibels(note, found):
    """Signal-to-noise ratio."""
    return float(10 * np.log10(np.sum(note**2) / np.sum((note - found) ** 2)))


def ratios(notes, sounds):
    """Each note beside the sound that is paired with it, and which that is."""
    table = np.array([[decibels(note, sound) for sound in sounds] for note in notes.values()])
    rows, columns = linear_sum_assignment(table, maximize=True)
    return table[rows, columns], columns


def main():
    notes, recording = record()
    print("signal-to-noise ratio in dB of:".ljust(40) + "     ".join(notes) + "   starts agree")

    def show(name, values, end=""):
        print(f"  {name:34}" + " ".join(f"{value:6.1f}" for value in values) + end)

    show("the recording as it is", [decibels(note, recording) for note in notes.values()])
    found = {}
    for name, way in WAYS.items():
        model, W, sounds = split(recording, *way)
        values, pairs = ratios(notes, sounds)
        found[name] = model, W, pairs
        show(name, values, f"{model.stability_:9.2f}")
    show("masks of the notes themselves", ratios(notes, ideal(notes, recording))[0])
    for way in list(WAYS)[1:3]:
        ends = found[way][0].start_objectives_
        print(f"{way}, loss at the end of thirty starts:\n  {np.sort(ends).astype(int)}")

    model, W, pairs = found["5, Kullback-Leibler, magnitudes"]
    rest = np.setdiff1d(np.arange(5), pairs)
    components = [*pairs, *rest]
    labels = [*notes, "clicks"]
    figure, axes = plt.subplots(1, 3, figsize=(13, 4.4), layout="constrained")
    times = SPECTRA.t(len(recording))
    heard = np.abs(SPECTRA.stft(recording))
    picture = axes[0].pcolormesh(
        times, SPECTRA.f, 20 * np.log10(heard / heard.max()), vmin=-60, vmax=0, rasterized=True
    )
    figure.colorbar(picture, ax=axes[0], label="dB")
    axes[0].set(title="the recording", xlabel="seconds", ylabel="Hz", ylim=(0, 3000))
    for shift, i in enumerate(components):
        spectrum = model.components_[i] / model.components_[i].max()
        axes[1].fill_between(SPECTRA.f, shift, shift + 0.9 * spectrum, color=f"C{shift}")
        sounding = W[:, i] / W[:, i].max()
        axes[2].fill_between(times, shift, shift + 0.9 * sounding, color=f"C{shift}")
    axes[1].set(title="components_: spectra", xlabel="Hz", xlim=(0, 3000))
    axes[2].set(title="transform: when they sound", xlabel="seconds")
    for ax in axes[1:]:
        ax.set_yticks(np.arange(5) + 0.3, labels)
        ax.tick_params(axis="y", length=0)
    for start, names in SCORE.items():
        for name in names.split():
            place = labels.index(name)
            axes[2].plot([start, start], [place, place + 0.9], color="black", linewidth=1)
    return figure


if __name__ == "__main__":
    figure = main()
    if len(sys.argv) > 1:
        figure.savefig(sys.argv[1])
    else:
        plt.show()
