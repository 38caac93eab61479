"""Configuration of the documentation site (`make docs`). Pages need no other host, neither to build nor to view."""

from emulator.core.version import __version__

project = "oms-emulator"
version = release = __version__
html_title = f"oms-emulator {release}"
extensions = [
    "myst_parser", "sphinx.ext.autodoc", "sphinx_click", "sphinx_copybutton", "sphinx_design", "sphinx_llm.txt",
]  # fmt: skip
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

# A Markdown twin of each page, `llms.txt` with links to all of them, and `llms-full.txt` with their text.
llms_txt_suffix_mode = "replace"
llms_txt_nested_enabled = False
llms_txt_full_build = True
llms_txt_description = """An emulator of the Akinon OMS package and transfer-order services: a stateful HTTP server, \
a Flask application, and a pytest plugin. Start with the tutorial; how-to/agents.md describes the MCP server."""
# The titles of cards, and the marks of required options.
llms_txt_suppress_unknown_node_warnings = ["PassthroughTextElement", "abbreviation"]

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
copybutton_prompt_text = "$ "
