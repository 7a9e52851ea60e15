"""Chapter 01 as a student meets it: opened in JupyterLab from the released notebook, run, played with, validated.

With SCREENSHOT=path in the environment the test also takes the picture that the README shows.
"""

from __future__ import annotations

import os
import re

from playwright.sync_api import Page, expect

expect.set_options(timeout=60_000)  # a busy machine may need it
NOTEBOOK = "01_tensors/01_tensors.ipynb"


def open_notebook(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("#jupyterlab-splash", state="detached")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', state="attached")
    expect(page.locator("#jp-main-statusbar")).to_contain_text("| Idle")  # connected: before, Run All would be lost


def run_all(page: Page) -> None:
    """Run > Run All Cells, and wait until the kernel has worked and rests again."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    for state in ("busy", "idle"):
        indicator = f'.jp-Notebook-ExecutionIndicator[data-status="{state}"]'
        page.wait_for_selector(indicator, state="attached", timeout=180_000)


def test_run_all_widgets_and_validate(page: Page, lab):
    open_notebook(page, lab(NOTEBOOK))
    run_all(page)

    # Cells after the unsolved exercises have run too, up to the progress table.
    page.locator(".jp-Notebook").first.press("End")
    cells = page.locator(".jp-NotebookPanel:visible .jp-Notebook")
    expect(cells).to_contain_text("not attempted")

    # A check is folded, and shows its outcome all the same; a click unfolds it.
    check = cells.locator(".jp-CodeCell").filter(has_text='with check("predict_shapes")').first
    check.scroll_into_view_if_needed()
    expect(check.locator(".jp-OutputArea")).to_contain_text("not attempted yet")
    expect(check.locator(".cm-content")).to_be_hidden()
    check.locator(".jp-Placeholder").click()
    expect(check.locator(".cm-content")).to_contain_text("shape_a")

    # The stride explorer: transpose it, and the picture changes.
    explorer = page.locator(".ftu-strides").first
    explorer.scroll_into_view_if_needed()
    expect(explorer.locator(".ftu-expression")).to_contain_text("x")
    before = explorer.locator(".ftu-panels").inner_text()
    explorer.get_by_role("button", name=re.compile(r"^\.T")).first.click()
    expect(explorer.locator(".ftu-expression")).to_contain_text("x.T")
    assert explorer.locator(".ftu-panels").inner_text() != before

    # The slice explorer answers to the keyboard.
    slices = page.locator(".ftu-slices").first
    slices.scroll_into_view_if_needed()
    start = slices.get_by_label("dim 0: start")
    expression = slices.locator(".ftu-expression").inner_text()
    start.fill("2")
    start.press("Enter")
    expect(slices.locator(".ftu-expression")).not_to_have_text(expression)

    if picture := os.environ.get("SCREENSHOT"):
        page.get_by_role("tab", name=re.compile("File Browser")).first.click()  # the folder's list takes room
        explorer.locator('[data-position="7"]').hover()
        expect(explorer.locator(".ftu-sum")).to_contain_text("=")
        page.screenshot(path=picture)

    # nbgrader's Validate names the exercises that are still open.
    page.get_by_role("button", name="Validate").click()
    dialog = page.locator(".jp-Dialog")
    expect(dialog).to_contain_text(re.compile("failed", re.I), timeout=180_000)
