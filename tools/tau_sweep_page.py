"""The strict-label filter at every tau, on the full class lists and the shipped GoogleNews vectors.

    python tools/tau_sweep_page.py

Needs no videos. Writes its table into docs/strict-labels.md.
"""

import tempfile
from pathlib import Path

import pandas as pd

from aurl.semantics.encoders.word2vec import embed_tokens
from aurl.semantics.seen import seen_class_table, write_seen_table
from aurl.semantics.tau_sweep import REMOVED, tau_sweep
from aurl.semantics.tokens import read_token_table
from aurl.semantics.vectors import load_vectors
from aurl.system.files import replace_section
from aurl.system.shipped import TOKEN_TABLE

SEEN, UNSEEN = "kinetics700", ("ucf101", "hmdb51")
VECTORS = Path("data/googlenews_action_subset.bin")
DOCUMENT, SECTION = Path("docs/strict-labels.md"), "python tools/tau_sweep_page.py"


def report() -> str:
    """Which classes could be embedded, which have a test class's words, and the sweep, as Markdown."""
    tokens = {dataset: read_token_table(TOKEN_TABLE, dataset) for dataset in (SEEN, *UNSEEN)}
    vectors = load_vectors(VECTORS, 300)
    embedded = {dataset: embed_tokens(found, vectors) for dataset, found in tokens.items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seen_classes.csv"
        write_seen_table(seen_class_table(embedded[SEEN], {name: embedded[name] for name in UNSEEN}, 0), path)
        swept = tau_sweep(path)
    test_words = {tuple(sorted(words)) for dataset in UNSEEN for words in tokens[dataset].values()}
    equal = [name for name, words in tokens[SEEN].items() if tuple(sorted(words)) in test_words]
    unknown = [name for name in equal if name not in embedded[SEEN].classes]
    counts = pd.DataFrame(
        [
            {"dataset": dataset, "classes": len(tokens[dataset]), "embedded": len(found.classes),
             "with unknown words": len(found.dropped)}
            for dataset, found in embedded.items()
        ]
    )  # fmt: skip
    swept["tau"] = swept["tau"].map("{:g}".format)
    shown = swept.drop(columns=REMOVED).to_markdown(index=False, disable_numparse=True)
    names = "".join(
        f"- {tau}: {'; '.join(removed)}\n" for tau, removed in zip(swept["tau"], swept[REMOVED], strict=True) if removed
    )
    return (
        f"{counts.to_markdown(index=False)}\n\n{len(equal)} classes of {SEEN} have the words of a test class;"
        f" {len(equal) - len(unknown)} of them are embedded (not: {', '.join(unknown)}).\n\n{shown}\n\n"
        f"Classes that each tau removes and the tau before it does not:\n\n{names}"
    )


if __name__ == "__main__":
    replace_section(DOCUMENT, SECTION, report())
