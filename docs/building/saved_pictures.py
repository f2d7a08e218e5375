"""Pictures of the gallery: the files that an example saves, which go into its page and leave its folder."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from matplotlib import pyplot
from sphinx_gallery.scrapers import figure_rst

#: Suffixes of files that pages show; others, such as model.npz, are only removed.
_SHOWN = (".png", ".svg", ".jpg", ".gif")
_SAVED = (*_SHOWN, ".pdf", ".npz", ".mp4", ".csv")


def saved_pictures(block: object, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Return the text that shows what a block of an example has saved in the folder where it runs."""
    folder = Path(block_vars["src_file"]).parent
    saved = sorted(path for path in folder.iterdir() if path.suffix in _SAVED)
    shown = []
    for path in saved:
        if path.suffix in _SHOWN:
            target = Path(next(block_vars["image_path_iterator"])).with_suffix(path.suffix)
            shutil.move(path, target)
            shown.append(str(target))
        else:
            path.unlink()
    if not shown:
        return ""
    pyplot.close("all")  # what was saved is not shown a second time as an open figure
    return figure_rst(shown, gallery_conf["src_dir"])
