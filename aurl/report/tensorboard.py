"""Training logs as TensorBoard event files, after the fact: the training itself writes none."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from aurl.system.errors import AurlError
from aurl.system.files import replacing
from aurl.system.text_files import made_again, read_csv


def export_steps(logs: Mapping[tuple[str, int], Path], folder: Path) -> Iterator[str]:
    """Write `folder/<variant>/seed<k>/` for every `steps.csv` that is there, and tell each.

    A scalar for each column, under `train/`, at its step; all carry the log's own time.
    Raises: AurlError if TensorBoard is not installed, there is no log, or one is damaged.
    """
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError:
        raise AurlError("TensorBoard is not installed; run 'pip install tensorboard'") from None
    present = {name: path for name, path in logs.items() if path.is_file()}
    if not present:
        raise AurlError("no training has been logged yet; run 'snakemake' first")
    for (variant, seed), path in present.items():
        table = read_csv(path, ["step", "loss"], made_again(path), dtype=float)
        time = path.stat().st_mtime
        with replacing(folder / variant / f"seed{seed}") as (temporary,):
            writer = EventFileWriter(str(temporary))
            for row in table.to_dict("records"):
                values = [Summary.Value(tag=f"train/{key}", simple_value=row[key]) for key in row if key != "step"]
                writer.add_event(Event(wall_time=time, step=int(row["step"]), summary=Summary(value=values)))
            writer.close()
        yield f"{folder / variant / f'seed{seed}'}: {len(table)} steps"
