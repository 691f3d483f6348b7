"""Write docs/gallery.md: what every example says, prints and draws.

    python docs/build_gallery.py

runs the scripts ``docs/examples/plot_*.py`` and saves their pictures in ``docs/images/``.
"""

import contextlib
import importlib.util
import io
from pathlib import Path
from types import ModuleType

import matplotlib.pyplot as plt

DOCS = Path(__file__).resolve().parent
EXAMPLES = sorted((DOCS / "examples").glob("plot_*.py"))

# What to read first; an example that is not named comes after these.
ORDER = ("plot_digits_pca", "plot_rank_search", "plot_rank_rules", "plot_image_compression")

HEADER = """\
# Gallery

Written by `python docs/build_gallery.py`, which runs the examples: the numbers are what they
printed, and the times are those of that run. Each is a script of its own that needs only
`pip install 'lrfact[plot]'`:

```bash
python docs/examples/plot_digits_pca.py              # opens a window
python docs/examples/plot_digits_pca.py digits.png   # or writes a file
```
"""


def load(path: Path) -> ModuleType:
    """Import a script by its path."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def title_and_text(module: ModuleType) -> tuple[str, str]:
    """Split the docstring of an example, and turn it into Markdown."""
    title, _, *text = module.__doc__.strip().splitlines()
    return title, "\n".join(text).strip().replace("``", "`")


def page_of(path: Path) -> str:
    """Run an example, save its picture and describe both."""
    module = load(path)
    title, text = title_and_text(module)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        figure = module.main()
    picture = DOCS / "images" / f"{path.stem}.png"
    picture.parent.mkdir(exist_ok=True)
    figure.savefig(picture, dpi=75)
    plt.close(figure)
    return (
        f"## {title}\n\n{text}\n\n```text\n{printed.getvalue().rstrip()}\n```\n\n"
        f"![{title}](images/{picture.name})\n\n"
        f"Source: [{path.name}](examples/{path.name})\n"
    )


def reading_order(path: Path) -> tuple[int, str]:
    """Sort key: those in ORDER first."""
    return (ORDER.index(path.stem) if path.stem in ORDER else len(ORDER), path.stem)


def main() -> None:
    plt.switch_backend("agg")
    pages = [page_of(path) for path in sorted(EXAMPLES, key=reading_order)]
    (DOCS / "gallery.md").write_text("\n".join([HEADER, *pages]), encoding="utf-8")


if __name__ == "__main__":
    main()
