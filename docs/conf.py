"""The site: `make docs`. Sources are the Markdown pages and notebooks as a forge shows them; the source folder is the
checkout itself, so that links between docs/, experiments/ and README.md hold in both places.
"""

import os
import re
from importlib.metadata import version as installed

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

project = "mscat-tf"
author = "The mscat-tf developers"
copyright = "The mscat-tf developers, BSD-3-Clause"
version = release = installed("mscat-tf")

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/index"
include_patterns = ["CONTRIBUTING.md", "CHANGELOG.md", "docs/**", "experiments/RESULTS.md"]
exclude_patterns = ["docs/_extra"]

# Notebooks are stored without outputs; the tests run them (tests/cli/test_end_to_end.py).
nb_execution_mode = "off"
myst_heading_anchors = 4
highlight_language = "none"

autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_preserve_defaults = True
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_attr_annotations = False
napoleon_custom_sections = [("Call arguments", "params_style")]
autodoc_member_order = "bysource"
default_role = "code"  # docstrings write `name` as Markdown does

html_theme = "furo"
html_title = "mscat-tf"
html_extra_path = ["_extra"]
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_use_index = False


def escape_moduli(app, what, name, obj, options, lines):
    """Docstrings write |eta|, which would be a substitution."""
    lines[:] = [re.sub(r"(?<![`\\])\|(?=\w)|(?<=\w)\|(?!`)", r"\\|", line) for line in lines]


def setup(app):
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", escape_moduli)
