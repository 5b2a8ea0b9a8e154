"""Draw every figure of an experiment and write the files, with the index that the page reads."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from aurl.pipeline.jobs import Job
from aurl.pipeline.outputs import FIGURES, figure_names
from aurl.report.drawing.style import Drawing, embedded_format, encode, styled
from aurl.report.figures.base import FigureData, FigureInputs
from aurl.system import plugins
from aurl.system.compute import prepare_device
from aurl.system.files import replacing
from aurl.system.json_files import write_json


def draw_figures(data: FigureData, names: Iterable[str] | None = None) -> list[Drawing]:
    """Draw all figures in page order, or the named ones. Equal data give equal figures.

    Raises: AurlError if a file is damaged.
    """
    prepare_device("cpu", threads=1)  # so that sums are equal on any machine
    drawings = []
    with styled():
        for name in figure_names() if names is None else names:
            drawing: Drawing = plugins.load(FIGURES, name).draw(data)
            drawings.append(drawing)
    return drawings


def write_figures(drawings: Sequence[Drawing], index: Path, files: dict[tuple[str, str], Path]) -> None:
    """Write every figure in every format, and the index: name, title, caption, alt and the format to embed.

    Args:
        files: (name, extension) -> file. All files are replaced, or none.
    """
    rows = []
    with replacing(index, *files.values()) as (listed, *temporaries):
        paths = dict(zip(files, temporaries, strict=True))
        for drawing in drawings:
            contents = encode(drawing.figure)
            for extension, content in contents.items():
                paths[drawing.name, extension].write_bytes(content)
            row = {key: getattr(drawing, key) for key in ("name", "title", "caption", "alt")}
            rows.append({**row, "embed": embedded_format(drawing.figure, contents["svg"])})
        write_json(listed, rows)


def run(job: Job) -> None:
    """Run the stage `figures`."""
    inputs = job.inputs
    results = FigureInputs(
        inputs.metrics, next(iter(inputs.seen_classes.values()), None), inputs.features, inputs.steps, inputs.checkpoint,
        inputs.manifests, inputs.frames, inputs.embeddings,
        {variant: path for (variant, _), path in inputs.curves.items()},
    )  # fmt: skip
    index, *figures = job.made
    drawings = draw_figures(FigureData(results, job.settings))
    write_figures(drawings, index, {(path.stem, path.suffix[1:]): path for path in figures})
