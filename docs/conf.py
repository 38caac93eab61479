"""Configuration of the documentation site (`make docs`). Pages need no other host, neither to build nor to view."""

from emulator.core.version import __version__

project = "oms-emulator"
version = release = __version__
html_title = f"oms-emulator {release}"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_click", "sphinx_copybutton", "sphinx_design"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4  # links to headings, by the rule of GitHub

default_role = "code"  # docstrings have single backticks
smartquotes = False  # they change `--option` in the texts of the command line
add_module_names = False
maximum_signature_line_length = 100
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
copybutton_prompt_text = "$ "
