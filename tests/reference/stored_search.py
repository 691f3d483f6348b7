"""Files of a saved search, and modifications of them with valid checksums."""

import json
import zlib

import numpy as np

FILES = [
    *("search.json", "text.json", "arrays.npz", "vectors.npy"),
    *("postings_data.npy", "postings_indices.npy", "postings_indptr.npy"),
]


def manifest_of(folder):
    return json.loads((folder / "search.json").read_text())


def on_disk(folder, name):
    """Path of a file, whose name contains the token of its save."""
    if name == "search.json":
        return folder / name
    stem, suffix = name.split(".")
    return folder / f"{stem}-{manifest_of(folder)['token']}.{suffix}"


def seal(folder):
    """Update the checksums in the manifest, as an attacker who modifies files could."""
    manifest = manifest_of(folder)
    for name in manifest["files"]:
        manifest["files"][name] = zlib.crc32(on_disk(folder, name).read_bytes())
    (folder / "search.json").write_text(json.dumps(manifest))


def change(folder, **entries):
    """Change entries of the text."""
    path = on_disk(folder, "text.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))
    seal(folder)


def change_array(folder, name, change):
    """Change an array that has a file of its own."""
    path = on_disk(folder, name)
    token = path.read_bytes()[-16:]
    array = change(np.load(path))
    with path.open("wb") as file:
        np.save(file, array)
        file.write(token)
    seal(folder)


def change_arrays(folder, change):
    """Change the arrays that share a file."""
    path = on_disk(folder, "arrays.npz")
    with np.load(path) as archive:
        arrays = dict(archive)
    change(arrays)
    np.savez(path, **arrays)
    seal(folder)


def in_version_1(folder):
    """Convert a saved search to version 1: no tokens, and the text as the manifest."""
    text = json.loads(on_disk(folder, "text.json").read_text())
    del text["token"]
    for name in manifest_of(folder)["files"]:
        path = on_disk(folder, name)
        if name.endswith("npy"):
            (folder / name).write_bytes(path.read_bytes()[:-16])
        elif name.endswith("npz"):
            with np.load(path) as archive:
                np.savez(folder / name, **{k: archive[k] for k in archive.files if k != "token"})
        path.unlink()
    (folder / "search.json").write_text(json.dumps({**text, "version": 1}))
