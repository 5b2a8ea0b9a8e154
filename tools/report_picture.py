"""Take docs/reference/mini/report.png, the head of results/mini/report.html, with headless Chromium."""

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

PAGE, PICTURE = Path("results/mini/report.html"), Path("docs/reference/mini/report.png")

if __name__ == "__main__":
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(viewport={"width": 1280, "height": 1340})
        page.goto(PAGE.resolve().as_uri())
        page.screenshot(path=PICTURE)
        browser.close()
    print(f"{PICTURE}: {PICTURE.stat().st_size} bytes; {PAGE}: {PAGE.stat().st_size} bytes")
