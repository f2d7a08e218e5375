"""Settings of Sphinx. ``python -m docs`` builds the site with them and checks it."""

import os
import shutil
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("KAN_NP_QUICK_EXAMPLES", "1")  # examples of the gallery run at their small size

from docs.building import command_pages, docstrings, links_to_names, reference_pages  # noqa: E402
from kan_np._version import __version__  # noqa: E402

project = "kan_np"
author = "the authors of kan_np"
copyright = author  # noqa: A001  Sphinx's own name
release = version = __version__
language = "en"

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = [
    *("_build", "building", "sg_execution_times.rst", "gallery/sg_execution_times.rst"),
    *(f"reference/generated/{name}" for name in command_pages.FILES),
]
nitpicky = True
default_role = "literal"
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist"]
myst_heading_anchors = 4

# Descriptions of names: numpydoc's sections have the types, so heads are short.
autodoc_typehints = "none"
autodoc_member_order = "groupwise"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
toc_object_entries_show_parents = "hide"

# Mathematics is drawn by one file that is copied from an installed package: pages fetch nothing.
mathjax_path = "mathjax/tex-svg-full.js"
mathjax3_config = {"options": {"enableMenu": False}}

html_theme = "pydata_sphinx_theme"
html_title = "kan_np"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "kan_np"},
    "header_links_before_dropdown": 7,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_toc_level": 2,
}

sphinx_gallery_conf = {
    "examples_dirs": str(ROOT / "examples"),
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py",
    "image_scrapers": ("docs.building.saved_pictures.saved_pictures", "matplotlib"),
    "download_all_examples": False,
    "show_signature": False,
    "show_memory": False,
    "min_reported_time": 0,
    "copyfile_regex": r".*\.rst",
    "within_subsection_order": "FileNameSortKey",
    "plot_gallery": "KAN_NP_DOCS_WITHOUT_EXAMPLES" not in os.environ,
    "reset_modules": ("matplotlib",),
}
# matplotlib's way to say that a figure is not shown without a screen, which examples need not know of
warnings.filterwarnings("ignore", message=".*non-interactive.*")


def skip_members(app, what, name, thing, skip, options):
    """Leave out methods that scikit-learn gives its estimators for the routing of metadata."""
    return True if name.startswith("set_") and name.endswith("_request") else None


def copy_mathjax(app, exception):
    """Put the file that draws mathematics beside the pages."""
    if exception is None and app.builder.format == "html":
        package = find_spec("sphinx-mathjax-offline")
        if package is None:
            raise ImportError("The site needs sphinx-mathjax-offline: pip install '.[docs]'.")
        source = Path(package.origin).parent / "static" / "mathjax" / "tex-svg-full.js"
        target = Path(app.outdir) / "_static" / "mathjax"
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def write_pages(app):
    """Write the pages of the reference before Sphinx looks for pages."""
    generated = Path(app.srcdir) / "reference" / "generated"
    reference_pages.write(generated)
    command_pages.write(generated)


def setup(app):
    """Connect what is this project's own."""
    app.connect("builder-inited", write_pages, priority=100)
    app.connect("autodoc-process-docstring", docstrings.keep_formulas, priority=800)
    app.connect("autodoc-process-docstring", docstrings.plain_signs, priority=900)
    app.connect("autodoc-skip-member", skip_members)
    app.connect("build-finished", copy_mathjax)
    app.add_transform(links_to_names.LinkNames)
