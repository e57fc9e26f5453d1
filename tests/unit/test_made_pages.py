"""Pages that are made from the code are what `make openapi` makes of it now."""

import re

import yaml

from scripts.openapi.__main__ import PAGE, examples
from scripts.openapi.operations import OPERATIONS
from scripts.openapi.pages import page
from scripts.reference import __main__ as reference
from scripts.site import llms
from scripts.site.pages import FOLDERS, ROOT, SECTIONS, all_pages, below


def test_the_examples():
    """docs/examples.md has each that was recorded."""
    assert PAGE.read_text() == page(OPERATIONS, examples())


def test_the_reference_has_each_field_and_no_other():
    """Of the schema by which documents are checked; each with a text of its own."""
    texts = yaml.safe_load(reference.TEXTS.read_text())
    fields = {name: set(found["properties"]) for name, _, found in reference.sections(reference.schema())}
    assert {name: set(said) for name, said in texts.items()} == fields
    assert sum(map(len, fields.values())) > 100
    assert reference.TARGET.read_text() == reference.text()


def test_what_models_read():
    """llms.txt has each page by its title. The first sentences behind are as of when it was made."""
    kept, made = (
        re.findall(r"^- \[.*?\]\(.*?\)", text, re.MULTILINE) for text in (llms.TARGET.read_text(), llms.text())
    )
    assert kept == made
    assert len(kept) > 60


def test_the_site_has_each_page_once():
    """A page in no section is found by nobody."""
    shown = [page for pages in SECTIONS.values() for page in pages]
    shown += [page for _, folder in FOLDERS.values() for page in below(folder)]
    assert len(shown) == len(set(shown))
    assert {ROOT / page for page in shown} == set(all_pages())
