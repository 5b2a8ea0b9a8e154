"""Draw which classes a network takes for which."""

import io

import numpy as np

LARGEST = 24.0  # inches
CLASS_INCHES = 0.16  # of a row
MARGIN = 3.0  # inches, for names
NAME_LENGTH = 28  # characters of a class name that are shown


def draw_confusion(counts: np.ndarray, names: tuple[str, ...], title: str) -> bytes:
    """Draw the share of each class's videos by their best class, as PNG; equal counts give equal bytes.

    Args:
        counts: (C, C), rows are the true classes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    size = min(LARGEST, MARGIN + max(3.0, CLASS_INCHES * len(names)))
    figure = Figure(figsize=(size, size), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="viridis", vmin=0, vmax=100, interpolation="nearest", aspect="equal")
    shown = [name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 3]}..." for name in names]
    font = max(3.0, min(8.0, 72 * 0.75 * (size - MARGIN) / len(names)))
    axes.set_xticks(range(len(names)), shown, rotation=90, fontsize=font, parse_math=False)
    axes.set_yticks(range(len(names)), shown, fontsize=font, parse_math=False)
    axes.set_xlabel("best class")
    axes.set_ylabel("true class")
    axes.set_title(title, fontsize=9, parse_math=False)
    figure.colorbar(image, ax=axes, shrink=0.6, label="percent of the class's videos")
    content = io.BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()
