"""A month's report on paper."""

from gateway_core.cli.documents import html
from gateway_core.cli.month_page import Section, Table

A4_WIDTH = 718
"""Of A4 upright within a browser's usual margins, in CSS pixels."""
COLUMNS = ("Key", "Requests", "Failed", "Input tokens", "Output tokens", "Cost (USD)", "Of it estimated", "Share")
AMOUNTS = ("1234567", "12345", "123456789", "123456789", "≈ 1234.123456789", "123.123456789", "100.0 %")


def test_no_column_is_cut_off(browser):
    """On paper nobody scrolls: with the longest key and large amounts all of the table is on the page."""
    page = browser.new_page(viewport={"width": A4_WIDTH, "height": 900})
    page.emulate_media(media="print")
    key = f"key_{'a' * 32}_0123456789abcdef"
    page.set_content(html("A month", [Section("By key", (), Table(COLUMNS, ((key, *AMOUNTS),)))]))
    assert page.evaluate("document.documentElement.scrollWidth") == A4_WIDTH
    assert page.evaluate("document.querySelector('table').getBoundingClientRect().right") <= A4_WIDTH
    page.close()
