"""What the library answers: plain records, the documented Python API. The wire types of the tools follow them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from mcp_mmretrieval.errors import FailureCode
from mcp_mmretrieval.types import Lane, Modality, Place, Recogniser, Segment

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Content

JobState = Literal["running", "done", "failed", "cancelled"]

Match = Literal["strong", "fair", "weak"]
"""How far a hit is to be trusted: strong ones answer nine times in ten, weak ones are what any question finds here."""

MAX_QUERY_CHARACTERS = 8_000
"""Of a query in words, at most: some pages of text. A longer text is an example (`like`) or one to be ranked."""

ListOrder = Literal["path", "date"]
"""How a listing is ordered: by path, or the newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a search or a listing is limited to. All that is set must hold."""

    modality: tuple[Modality, ...] = ()
    under: str | None = None
    """Absolute real path of a folder or file."""
    after: float | None = None
    """Seconds since 1970: by its own date, or else its file's time, from then on."""
    before: float | None = None
    """Seconds since 1970: by its own date, or else its file's time, earlier than then."""
    document: str | None = None
    """The document's whole id."""
    within: Place | None = None
    """A stretch of time of this document: a search finds only what lies there. Listings ignore it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A place that answers."""

    segment: Segment
    path: str
    """Absolute path of one of its files, or empty for inline text."""
    citation: str
    """Path under its root and place: `report.pdf#page=7`."""
    title: str
    score: float
    """In [0, 1]; comparable within one answer. `searching.fusion` says what it means."""
    snippet: str
    """Why it is here: the words around the match."""
    lanes: tuple[Lane, ...]
    match: Match
    """`searching.match` says how it is told."""
    modified: float = 0.0
    """When its file was changed, or the text was given: seconds since 1970."""
    dated: float | None = None
    """When it was taken, recorded, written or sent, by its own word: seconds since 1970."""
    relevance: float | None = None
    """What the reranker gave it, in [0, 1]; None where it was not reranked."""
    stale: bool = False
    """Its file changed since it was read, or lies there no more."""
    more_in_document: int = 0
    """How many further places of the same document answer too, beyond those in the list."""
    duplicates: tuple[str, ...] = ()
    """Citations of what only says the same again: copies of its file, then near-duplicates among the hits below it,
    best first. They have no place of their own in the list."""

    @property
    def id(self) -> str:
        """`3f9a0c12d4e5#page=7`."""
        return self.segment.id


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchCoverage:
    """What was searched, so that an empty answer explains itself."""

    documents: int
    segments: int
    """Within the filters."""
    excluded: int
    """Segments that the filters left out."""
    pending_vectors: int
    """Documents that only words find so far."""
    not_added: int
    """Files under the roots that have not been added, as far as was counted."""
    all_counted: bool = True
    """Whether there are no more of these: counting ends when the answer has to come."""
    models: Literal["ready", "loading", "missing"]
    note: str = ""
    unknown_words: tuple[str, ...] = ()
    """Words of the query that occur nowhere in what was searched; told where nothing is better than weak."""
    unread: Mapping[str, int] = field(default_factory=dict)
    """Files under the roots that could not be read, by kind (`Word files`); told where nothing is better than weak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Hits, best first, and how they came about."""

    hits: tuple[Hit, ...]
    searched: SearchCoverage
    reranked: int = 0
    """Places that a reranker scored; the notes say why not more. Its time stands under `rerank` in `elapsed_ms`."""
    notes: tuple[str, ...] = ()
    """What was left out, and why."""
    elapsed_ms: Mapping[str, int] = field(default_factory=dict)
    """By stage: `words`; beside it `example`, `embed`, `neighbours`, `avoid`; then `fuse`, `rerank`, `hits`; `total`.

    A stage that the deadline cut short counts until then."""

    @property
    def answers(self) -> bool:
        """Whether any hit is better than weak."""
        return any(hit.match != "weak" for hit in self.hits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One file that was not added, and why."""

    path: str
    code: FailureCode
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What adding has come to, so far or in the end."""

    state: JobState
    job: str
    found: int = 0
    """Files that there are to look at; 0 until all have been counted."""
    added: int = 0
    unchanged: int = 0
    replaced: int = 0
    moved: int = 0
    removed: int = 0
    """Files that vanished from an added folder, which can be brought back for a while, or came to be ignored."""
    skipped: Mapping[str, int] = field(default_factory=dict)
    """Files that the ignore rules left out, by rule."""
    pending_vectors: int = 0
    failed: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()
    current: str = ""
    """The file that is being read."""
    error: str = ""
    """Why the job as a whole failed."""
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One candidate or text with its relevance."""

    candidate: str | None = None
    text_index: int | None = None
    score: float = 0.0
    """In [0, 1]."""
    reranked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reranking:
    """Candidates and texts, best first, and what it cost.

    Those without a score stand behind the others, in the order given.
    """

    results: tuple[Scored, ...]
    method: str
    reranked: int
    elapsed_ms: int
    stages: Mapping[str, int] = field(default_factory=dict)
    """Milliseconds to `load` the candidates' texts, and to `score`."""
    notes: tuple[str, ...] = ()
    """How many have no score, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What there is to see at one place: its text, its pixels or samples, and what stands before and after."""

    segment: Segment
    path: str
    citation: str
    title: str
    text: str
    content: Content | None
    """The picture, frames or sound; None where there is only text, or where the file changed."""
    modified: float = 0.0
    """When its file was changed, or the text was given: seconds since 1970."""
    dated: float | None = None
    """When it was taken, recorded, written or sent, by its own word: seconds since 1970."""
    before: str = ""
    after: str = ""
    """What stands before it and behind it, within its part of the file."""
    previous: str = ""
    """Citation of what can be opened before it: as much of the text, or the page, slide, sheet; empty at the first."""
    next: str = ""
    """Citation of what can be opened behind it; empty at the last."""
    unfinished: bool = False
    """The text goes on at `next`, within what was asked for."""
    within: tuple[str, ...] = ()
    """Citations of the parts in it: the pictures of a slide, what is attached to a mail."""
    stale: bool = False
    """The file changed since it was read: the text is the stored one and no pixels are shown."""
    note: str = ""
    """Why there is nothing to see, though there should be."""
    document_notes: tuple[str, ...] = ()
    """What of the whole document was left out, and why."""


QuoteVerdict = Literal["exact", "near", "elsewhere", "nowhere"]
"""Whether the words of a quotation stand at a place.

exact      they do: case, accents, blanks, hyphens and ligatures aside
near       nearly: what differs may be a slip of OCR, of speech recognition or of spelling, never a number or a name
elsewhere  they stand, exactly or nearly, in another place of the document
nowhere    they stand in no place of it
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteDifference:
    """Where a quotation and what stands in the document part."""

    quoted: str
    """As the quotation has it; empty where it lacks what stands there."""
    found: str
    """As it stands there; empty where it lacks what is quoted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteCheck:
    """Whether the words of a quotation stand where it is said."""

    verdict: QuoteVerdict
    target: str
    """Citation of the place that was looked at first."""
    citation: str = ""
    """Of the place where the words stand; with `nowhere` of the nearest words in the document, or empty."""
    found: str = ""
    """The words that stand there."""
    distance: int = 0
    """Letters of the quotation to insert, delete or replace (Levenshtein), in normal form."""
    differences: tuple[QuoteDifference, ...] = ()
    recognised_by: tuple[Recogniser, ...] = ()
    """What may have read the words there, and may have misread them; empty where every word stands in the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentInfo:
    """One document as a listing shows it."""

    id: str
    citation: str
    path: str
    files: int
    modality: Modality
    title: str
    segments: int
    bytes: int
    modified: float
    """When its file was changed, or the text was given: seconds since 1970."""
    dated: float | None = None
    """When it was taken, recorded, written or sent, by its own word: seconds since 1970."""
    pages: int | None = None
    seconds: float | None = None
    embedded: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What was taken out of the library. The files themselves stay where they are."""

    files: int
    documents: int
    """Those of which this connection sees no other file; under other roots the same content may stand."""
    segments: int
    """Of these documents."""
    unknown: tuple[str, ...] = ()
    """Targets that the library does not hold."""
    notes: tuple[str, ...] = ()
    """What to do about each of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VanishedFile:
    """A file that was no longer there when its folder was added again, and can be brought back to be found."""

    path: str
    vanished: float
    """When it was missed: seconds since 1970."""
    until: float
    """How long it is kept: seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileInfo:
    """Which models a library keeps to, which are wanted, and which serve."""

    kept: str
    kept_because: str
    wanted: str
    """As kept, unless a client asked for another one outright."""
    wanted_because: str
    spaces: Mapping[str, str]
    """`serving`, `building` and `kept`, each with a line: whose vectors, of how many documents, and their size."""
    problem: str = ""
    """Why the wanted one does not serve, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The library's health."""

    version: str
    library: str
    roots: tuple[str, ...]
    documents: Mapping[Modality, int]
    segments: int
    bytes: int
    """Of the library folder's catalog and index."""
    pending_vectors: int
    """Documents that only words find so far."""
    models: Mapping[str, str]
    """Part (`embedder`, `reranker`, `speech`, `ocr`) to a line on what serves it and how it is."""
    models_state: Literal["ready", "loading", "missing"]
    index: str
    """A line: not needed, ready, resting, or checked or built from the catalog (an exact scan answers meanwhile)."""
    sandbox: str
    """What confines the parsers on this machine."""
    watching: str = ""
    """A line: which of the roots are kept current by themselves, how, and when all was looked through."""
    jobs: tuple[Outcome, ...]
    """Running ones and the last few that ended, newest first: those whose roots all lie within this connection's."""
    problems: tuple[str, ...] = ()
    """Each with the next step."""
    unread_figures: int = 0
    """Pages with pictures whose words are read once nothing else is to be done."""
