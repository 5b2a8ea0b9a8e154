"""Finds verb lemmas by WordNet's rules (morphy): first the exception list, then the removal of endings.

A form counts only if WordNet lists it as a verb. Of several such forms the shortest is taken, as in the released
code: "riding" becomes "rid", not "ride", so that new classes get the same tokens as the published ones.
"""

from dataclasses import dataclass
from pathlib import Path

from aurl.system.errors import AurlError
from aurl.system.shipped import VERB_EXCEPTIONS, VERB_LEMMAS, packaged
from aurl.system.text_files import read_lines

ENDINGS = (
    ("s", ""), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", ""),
)  # fmt: skip


@dataclass(frozen=True)
class Verbs:
    """WordNet's verbs, and the base forms of irregular verbs by inflected form."""

    lemmas: frozenset[str]
    exceptions: dict[str, list[str]]

    def lemma(self, word: str) -> str:
        """Find the shortest verb that `word` can be a form of; `word` itself if there is none."""
        forms = self.exceptions.get(word) or [
            word.removesuffix(ending) + base for ending, base in ENDINGS if word.endswith(ending)
        ]
        return min((form for form in (word, *forms) if form in self.lemmas), key=len, default=word)


def read_verbs(lemmas: Path = VERB_LEMMAS, exceptions: Path = VERB_EXCEPTIONS) -> Verbs:
    """Read WordNet's verbs, one a line, and its `verb.exc`: an inflected form and its base forms on each line.

    The shipped files are also read from another folder than the clone.
    Raises: AurlError for a file that is missing, damaged, or not WordNet's.
    """
    mend = "restore it from git"
    shipped = (VERB_LEMMAS, VERB_EXCEPTIONS)
    lemmas, exceptions = (
        packaged(path) if path in shipped and not path.exists() else path for path in (lemmas, exceptions)
    )
    verbs = read_lines(lemmas, mend)
    irregular = [line.split() for line in read_lines(exceptions, mend)]
    for path, words in [*((lemmas, line.split()) for line in verbs), *((exceptions, words[1:]) for words in irregular)]:
        if not words or (path == lemmas and len(words) > 1):
            raise AurlError(f"{path}: not WordNet's list of verbs; {mend}")
    return Verbs(frozenset(verbs), {form: bases for form, *bases in irregular})
