"""A data set in one file: its reader, its synthetic copy and its published facts.

microexpr synthesize two_smiles /tmp/two_smiles --plugin examples/my_dataset.py
microexpr check two_smiles --plugin examples/my_dataset.py --root two_smiles=/tmp/two_smiles
"""

from __future__ import annotations

from pathlib import Path

from microexpr.core.clip import Clip
from microexpr.datasets import DATASETS, Dataset, DatasetInfo, DatasetIssue, read_rows
from microexpr.imaging.images import write_image
from microexpr.synthetic import Camera, Timing, render_clip


@DATASETS.register("two_smiles")
class TwoSmiles(Dataset):
    """Each subject smiles once on both sides and once on one; `labels.csv` names the folders."""

    info = DatasetInfo(
        title="two smiles",
        citation="an example",
        access="microexpr synthesize two_smiles FOLDER",
        fps=100,
        clips=8,
        subjects=4,
        counts={"smile": {"even": 4, "uneven": 4}},
        source="this file",
    )

    def read(self) -> tuple[list[Clip], list[DatasetIssue]]:
        """One clip for each line of labels.csv."""
        rows = read_rows(self.root / "labels.csv", ("subject", "smile", "onset", "apex", "offset"))
        clips = [
            Clip(
                id=f"two_smiles/{row['subject']}/{row['smile']}",
                dataset="two_smiles",
                subject=f"two_smiles/{row['subject']}",
                source=self.root / row["subject"] / row["smile"],
                fps=100,
                onset=int(row["onset"]),
                apex=int(row["apex"]),
                offset=int(row["offset"]),
                labels={"smile": row["smile"]},
            )
            for row in rows
        ]
        return clips, []

    @classmethod
    def write_synthetic(cls, root: Path, subjects: int | None, image_scale: float, seed: int) -> None:
        """Synthetic faces in the same layout."""
        camera = Camera(fps=100, size=(round(240 * image_scale), round(200 * image_scale)))
        timing = Timing(onset=2, apex=12, offset=24, frames=28, fps=100)
        lines = ["subject,smile,onset,apex,offset"]
        for number in range(1, (subjects or 4) + 1):
            for smile, side in (("even", ""), ("uneven", "L")):
                clip = render_clip(number, units=((12, side),), camera=camera, timing=timing, seed=seed)
                for i, frame in enumerate(clip.frames()):
                    write_image(root / f"p{number}" / smile / f"{i}.jpg", frame)
                lines.append(f"p{number},{smile},2,12,24")
        (root / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
