"""Make the picture of the first page: analyze a synthetic film, and take a screenshot of the page that is written.

    python docs/images/make.py        # writes docs/images/analyze.png; needs playwright and a chromium

It takes about a minute.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import cv2
from PIL import Image
from playwright.sync_api import sync_playwright

import microexpr as mx
from microexpr.synthetic.long_video import random_video

TARGET = Path(__file__).with_name("analyze.png")
WIDTH, HEIGHT = 1000, 1300
SIZE = (480, 640)
"""Height and width of the film's frames in pixels."""


def write_film(path: Path) -> None:
    """Render 12 seconds of a synthetic face with micro- and macro-expressions."""
    video = random_video(seed=7, seconds=12, fps=60, micro=20, macro=10)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), video.fps, SIZE[::-1])
    for number in range(len(video)):
        writer.write(video.frame(number, SIZE)[..., ::-1])
    writer.release()


def take_screenshot(page_file: Path, target: Path) -> None:
    """Write the upper part of a page as a PNG of 256 colors, in the light color scheme."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(page_file.absolute().as_uri())
        page.wait_for_load_state("networkidle")
        page.screenshot(path=target)
        browser.close()
    Image.open(target).convert("RGB").quantize(256).save(target, optimize=True)


def main() -> None:
    """Make the picture."""
    with tempfile.TemporaryDirectory() as name:
        film = Path(name, "talk.mp4")
        write_film(film)
        mx.analyze_video(film, Path(name, "events"))
        take_screenshot(Path(name, "events", "talk.mp4", "report.html"), TARGET)
    print(f"{TARGET}: {TARGET.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
