"""The same recording gives the same files in every process."""

import os
import subprocess
import sys

import numpy as np

from microexpr.imaging.video import write_video
from microexpr.synthetic.long_video import random_video
from tests.marks import needs_mesh

FILES = ("events.json", "events.csv", "report.html")


@needs_mesh
def test_two_processes_write_equal_files(tmp_path):
    video = random_video(3, seconds=1, fps=30, micro=40, macro=0)
    write_video(tmp_path / "v.mp4", np.stack([video.frame(i, (240, 320)) for i in range(len(video))]), 30)
    for seed in ("1", "2"):  # of the hashes, by which sets are ordered
        command = [sys.executable, "-m", "microexpr", "analyze", "v.mp4", "--out", seed, "--no-detection-limit"]
        environment = {"PYTHONHASHSEED": seed, "MICROEXPR_CACHE": str(tmp_path / f"cache{seed}")}
        environment["PYTHONPATH"] = os.pathsep.join(sys.path)
        subprocess.run(command, env={**os.environ, **environment}, cwd=tmp_path, check=True, timeout=200)
    first, second = (next((tmp_path / seed).glob("v*")) for seed in ("1", "2"))
    for name in FILES:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
