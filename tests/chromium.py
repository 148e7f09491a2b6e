"""Headless Chromium for tests of pages.

Without it they are skipped; where `MSCAT_NEEDS_CHROMIUM` is set (`.ci/run`) they fail instead.
`MSCAT_SCREENSHOTS=folder` keeps the pictures.
"""

import os
import shutil

import pytest

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
"""For root, for machines without a screen, for small containers."""
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def browser():
    """One Chromium for all tests of a module."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        if os.environ.get("MSCAT_NEEDS_CHROMIUM"):
            pytest.fail("Chromium is not installed, and MSCAT_NEEDS_CHROMIUM asks for it: apt-get install chromium")
        pytest.skip("no Chromium on this machine: the page is not opened (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield opened
        opened.close()
