"""The generated pages are what the data says."""

import pytest

from tools.docs import FOLDER, PAGES, text_of


@pytest.mark.parametrize("page", PAGES)
def test_a_generated_page_is_up_to_date(page: str) -> None:
    """`make docs` would change nothing."""
    assert (FOLDER / page).read_text("utf-8") == text_of(page)
