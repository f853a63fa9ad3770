"""The catalog's tables. A change to them raises `SCHEMA_VERSION` and adds the step that leads there to `MIGRATIONS`."""

APPLICATION_ID = 0x6D6D7274
"""Marks an SQLite file as ours ("mmrt")."""

SCHEMA_VERSION = 8

# What they are given is in normal form: their tokenizer has nothing to do but to part words at spaces.
_WORDS = "porter unicode61 remove_diacritics 0 categories 'L* N* M* Co'"

WHOLE_WORDS_SQL = """
    SELECT {key}, group_concat(w.text || ' ' || w.forms, char(10)), group_concat(w.stems, char(10)) FROM (
        SELECT key FROM segments WHERE document = {key} ORDER BY ordinal
    ) s JOIN words w ON w.rowid = s.key
"""
"""All words of one document, always the same: what a contentless table forgets has to be said word for word."""

WORD_TABLES_SQL = f"""
-- What can be read, in normal form (see `normal_form`), with what it may be written as and its stems beside it. The
-- tables keep what they were given: a later normal form may differ, and a row must be forgotten as it was made.
CREATE VIRTUAL TABLE words USING fts5(heading, text, forms, stems, tokenize="{_WORDS}");
CREATE TRIGGER words_removed AFTER DELETE ON texts BEGIN
    DELETE FROM words WHERE rowid = old.segment;
END;

-- One row a document with all its words: a question names the company, the page that answers does not.
CREATE VIRTUAL TABLE wholes USING fts5(text, stems, content='', tokenize="{_WORDS}");
CREATE TRIGGER wholes_removed BEFORE DELETE ON documents BEGIN
    INSERT INTO wholes(wholes, rowid, text, stems) SELECT 'delete', * FROM ({WHOLE_WORDS_SQL.format(key="old.key")});
END;

-- What things are called: a row for each path, which only those may find who may see it, and one without a path for
-- what a document says of the whole of itself: its title and keywords.
CREATE TABLE named (
    id INTEGER PRIMARY KEY,
    document INTEGER NOT NULL REFERENCES documents(key) ON DELETE CASCADE,
    path BLOB UNIQUE REFERENCES files(path) ON DELETE CASCADE
);
CREATE INDEX named_of_document ON named(document);
CREATE VIRTUAL TABLE names USING fts5(name, folders, pairs, stems, tokenize="{_WORDS}");
CREATE TRIGGER names_removed AFTER DELETE ON named BEGIN
    DELETE FROM names WHERE rowid = old.id;
END;

-- How the words of recordings and films sound, made by `soundalike.sound_codes`: what was misheard is spelt otherwise.
CREATE VIRTUAL TABLE sounds USING fts5(code, tokenize="unicode61");
CREATE TRIGGER sounds_removed AFTER DELETE ON texts BEGIN
    DELETE FROM sounds WHERE rowid = old.segment;
END;
"""

PAIRS_SQL = """
-- Pairs of neighbouring characters of scripts without spaces, made by `normal_form.character_bigrams`. Trigrams would
-- not find the two-character words that most of Chinese is made of.
CREATE VIRTUAL TABLE pairs USING fts5(pair, tokenize="unicode61 remove_diacritics 0 categories 'L* N* M* Co'");
CREATE TRIGGER pairs_removed AFTER DELETE ON texts BEGIN
    DELETE FROM pairs WHERE rowid = old.segment;
END;
"""

FORGOTTEN_SQL = """
-- How many texts were removed whose words the full-text tables may still hold: see `tidying`.
CREATE TABLE forgotten (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    texts INTEGER NOT NULL
);
CREATE TRIGGER text_forgotten AFTER DELETE ON texts BEGIN
    UPDATE forgotten SET texts = texts + 1;
END;
INSERT INTO forgotten VALUES (1, {before});
"""

TOTALS_SQL = """
-- How much there is, so that nobody has to count it, and what still lacks vectors. Triggers keep both, in the
-- transaction of each change. What a trigger does must not rely on a conflict clause: that of the statement that
-- fires it goes first.
CREATE TABLE document_totals (
    modality TEXT PRIMARY KEY,
    documents INTEGER NOT NULL,
    segments INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TRIGGER document_counted AFTER INSERT ON documents BEGIN
    INSERT INTO document_totals SELECT new.modality, 0, 0
        WHERE NOT EXISTS (SELECT 1 FROM document_totals WHERE modality = new.modality);
    UPDATE document_totals SET documents = documents + 1, segments = segments + new.segments
        WHERE modality = new.modality;
END;
CREATE TRIGGER document_discounted AFTER DELETE ON documents BEGIN
    UPDATE document_totals SET documents = documents - 1, segments = segments - old.segments
        WHERE modality = old.modality;
END;
CREATE TRIGGER document_recounted AFTER UPDATE OF modality, segments ON documents BEGIN
    UPDATE document_totals SET documents = documents - 1, segments = segments - old.segments
        WHERE modality = old.modality;
    INSERT INTO document_totals SELECT new.modality, 0, 0
        WHERE NOT EXISTS (SELECT 1 FROM document_totals WHERE modality = new.modality);
    UPDATE document_totals SET documents = documents + 1, segments = segments + new.segments
        WHERE modality = new.modality;
END;

-- By the modality of the segments; documents are those that have one of it.
CREATE TABLE segment_totals (
    modality TEXT PRIMARY KEY,
    documents INTEGER NOT NULL,
    segments INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TRIGGER segment_counted BEFORE INSERT ON segments BEGIN
    INSERT INTO segment_totals SELECT new.modality, 0, 0
        WHERE NOT EXISTS (SELECT 1 FROM segment_totals WHERE modality = new.modality);
    UPDATE segment_totals SET segments = segments + 1, documents = documents +
        NOT EXISTS (SELECT 1 FROM segments WHERE modality = new.modality AND document = new.document)
        WHERE modality = new.modality;
END;
CREATE TRIGGER segment_discounted AFTER DELETE ON segments BEGIN
    UPDATE segment_totals SET segments = segments - 1, documents = documents -
        NOT EXISTS (SELECT 1 FROM segments WHERE modality = old.modality AND document = old.document)
        WHERE modality = old.modality;
END;

CREATE TABLE vector_totals (
    space INTEGER NOT NULL,
    kind TEXT NOT NULL,
    vectors INTEGER NOT NULL,
    PRIMARY KEY (space, kind)
) WITHOUT ROWID;
CREATE TRIGGER vectors_counted AFTER INSERT ON vectors BEGIN
    INSERT INTO vector_totals SELECT new.space, new.kind, 0
        WHERE NOT EXISTS (SELECT 1 FROM vector_totals WHERE space = new.space AND kind = new.kind);
    UPDATE vector_totals SET vectors = vectors + new.count WHERE space = new.space AND kind = new.kind;
END;
CREATE TRIGGER vectors_discounted AFTER DELETE ON vectors BEGIN
    UPDATE vector_totals SET vectors = vectors - old.count WHERE space = old.space AND kind = old.kind;
END;

CREATE TABLE embedded_totals (
    space INTEGER PRIMARY KEY,
    documents INTEGER NOT NULL
);
CREATE TABLE pending (
    space INTEGER NOT NULL REFERENCES spaces(id) ON DELETE CASCADE,
    read_at REAL NOT NULL,
    document INTEGER NOT NULL REFERENCES documents(key) ON DELETE CASCADE,
    PRIMARY KEY (space, read_at, document)
) WITHOUT ROWID;
CREATE INDEX pending_of_document ON pending(document, space);
CREATE TRIGGER embedded_counted AFTER INSERT ON embedded BEGIN
    INSERT INTO embedded_totals SELECT new.space, 0
        WHERE NOT EXISTS (SELECT 1 FROM embedded_totals WHERE space = new.space);
    UPDATE embedded_totals SET documents = documents + 1 WHERE space = new.space;
    DELETE FROM pending WHERE document = new.document AND space = new.space;
END;
CREATE TRIGGER embedded_discounted AFTER DELETE ON embedded BEGIN
    UPDATE embedded_totals SET documents = documents - 1 WHERE space = old.space;
    INSERT INTO pending SELECT s.id, d.read_at, d.key FROM documents d CROSS JOIN spaces s
        WHERE d.key = old.document AND s.id = old.space;
END;
CREATE TRIGGER document_pending AFTER INSERT ON documents BEGIN
    INSERT INTO pending SELECT id, new.read_at, new.key FROM spaces;
END;
CREATE TRIGGER document_pending_anew AFTER UPDATE OF read_at ON documents BEGIN
    UPDATE pending SET read_at = new.read_at WHERE document = new.key;
END;
CREATE TRIGGER space_pending AFTER INSERT ON spaces BEGIN
    INSERT INTO pending SELECT new.id, read_at, key FROM documents;
END;

-- In the orders in which documents are listed.
CREATE INDEX documents_by_modality ON documents(modality);
CREATE INDEX inline_by_title ON documents(title, key) WHERE inline;
CREATE INDEX inline_by_time ON documents(read_at, key) WHERE inline;
"""

TOTALS = {
    "document_totals": "SELECT modality, count(*), total(segments) FROM documents GROUP BY modality",
    "segment_totals": "SELECT modality, count(DISTINCT document), count(*) FROM segments GROUP BY modality",
    "vector_totals": "SELECT space, kind, total(count) FROM vectors GROUP BY space, kind",
    "embedded_totals": "SELECT space, count(*) FROM embedded GROUP BY space",
    "pending": (
        "SELECT s.id, d.read_at, d.key FROM spaces s CROSS JOIN documents d "
        "WHERE NOT EXISTS (SELECT 1 FROM embedded WHERE document = d.key AND space = s.id)"
    ),
}
"""What the triggers keep in each table, by counting anew: for a catalog that had none, and to check them."""

VANISHED_SQL = """
-- What was no longer there when its folder was added again: out of all tables above, so that nothing finds or counts
-- it, and kept for `VANISHED_DAYS` with all that was costly to make. A document is here once no path of it is left.
CREATE TABLE vanished_documents (
    id TEXT PRIMARY KEY,
    reading INTEGER NOT NULL REFERENCES readings(id),
    facts TEXT NOT NULL,
    embedded TEXT NOT NULL
);
CREATE TABLE vanished_segments (
    document TEXT NOT NULL REFERENCES vanished_documents(id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    payload TEXT NOT NULL,
    figures INTEGER NOT NULL,
    PRIMARY KEY (document, ordinal)
) WITHOUT ROWID;
-- As `vectors`, but that `places` holds the ordinal of a segment: its key is gone.
CREATE TABLE vanished_vectors (
    id INTEGER PRIMARY KEY,
    document TEXT NOT NULL REFERENCES vanished_documents(id) ON DELETE CASCADE,
    space INTEGER NOT NULL REFERENCES spaces(id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    count INTEGER NOT NULL,
    places BLOB NOT NULL,
    vectors BLOB NOT NULL
);
CREATE INDEX vanished_vectors_of_document ON vanished_vectors(document);
CREATE TABLE vanished_files (
    path BLOB PRIMARY KEY,
    document TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    sidecars TEXT NOT NULL,
    vanished_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX vanished_files_of_document ON vanished_files(document);
"""

TABLES_SQL = f"""
CREATE TABLE readings (
    id INTEGER PRIMARY KEY,
    identity TEXT NOT NULL UNIQUE
);
CREATE TABLE spaces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    identity TEXT NOT NULL UNIQUE,
    dim INTEGER NOT NULL,
    half INTEGER NOT NULL,
    active INTEGER NOT NULL,
    made_by TEXT NOT NULL DEFAULT '',
    retired INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE documents (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    modality TEXT NOT NULL,
    reading INTEGER NOT NULL REFERENCES readings(id),
    title TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    pages INTEGER,
    seconds REAL,
    notes TEXT NOT NULL,
    inline INTEGER NOT NULL,
    segments INTEGER NOT NULL,
    read_at REAL NOT NULL,
    dated REAL,
    keywords TEXT NOT NULL DEFAULT '',
    language TEXT NOT NULL DEFAULT ''
);
CREATE INDEX documents_inline ON documents(key) WHERE inline;
CREATE INDEX documents_by_date ON documents(dated) WHERE dated IS NOT NULL;
CREATE INDEX documents_by_language ON documents(language) WHERE language > '';
CREATE TABLE inline_texts (
    document INTEGER PRIMARY KEY REFERENCES documents(key) ON DELETE CASCADE,
    text BLOB NOT NULL
);

-- Paths are bytes: file names need not be UTF-8, and a folder is a range of them.
CREATE TABLE files (
    path BLOB PRIMARY KEY,
    document INTEGER NOT NULL REFERENCES documents(key) ON DELETE CASCADE,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    added_at REAL NOT NULL,
    sidecars TEXT NOT NULL DEFAULT '',
    device INTEGER
) WITHOUT ROWID;
CREATE INDEX files_of_document ON files(document, path, mtime_ns);
CREATE INDEX files_by_time ON files(mtime_ns, document);

-- Narrow, so that a check of many hits stays in the page cache; what can be read stands in `texts`.
CREATE TABLE segments (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES documents(key) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    modality TEXT NOT NULL,
    page INTEGER,
    start REAL,
    "end" REAL,
    first INTEGER,
    last INTEGER,
    part TEXT NOT NULL DEFAULT '',
    top INTEGER,
    bottom INTEGER
);
CREATE UNIQUE INDEX segments_of_document ON segments(document, ordinal);
CREATE INDEX segments_by_modality ON segments(modality, document);
CREATE TABLE texts (
    segment INTEGER PRIMARY KEY REFERENCES segments(key) ON DELETE CASCADE,
    heading TEXT NOT NULL,
    text TEXT NOT NULL,
    frames TEXT,
    label TEXT NOT NULL DEFAULT '',
    times TEXT,
    turn INTEGER NOT NULL DEFAULT 0,
    fingerprint BLOB NOT NULL DEFAULT x''
);

-- Places in which pictures stand that were not read yet, and how often that was begun.
CREATE TABLE unread_figures (
    segment INTEGER PRIMARY KEY REFERENCES segments(key) ON DELETE CASCADE,
    attempts INTEGER NOT NULL DEFAULT 0
);

{WORD_TABLES_SQL}
{PAIRS_SQL}
CREATE TABLE embedded (
    document INTEGER NOT NULL REFERENCES documents(key) ON DELETE CASCADE,
    space INTEGER NOT NULL REFERENCES spaces(id) ON DELETE CASCADE,
    PRIMARY KEY (document, space)
) WITHOUT ROWID;
CREATE INDEX embedded_in_space ON embedded(space);
-- Up to 64 vectors of one document in a row: comparing with many reads few rows. `places` holds for each vector its
-- segment and its part (two int64), which together name it in Chroma; a segment's vectors of one space never change.
CREATE TABLE vectors (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES documents(key) ON DELETE CASCADE,
    space INTEGER NOT NULL REFERENCES spaces(id),
    kind TEXT NOT NULL,
    count INTEGER NOT NULL,
    places BLOB NOT NULL,
    vectors BLOB NOT NULL
);
CREATE INDEX vectors_of_document ON vectors(document, space, kind);
CREATE INDEX vectors_in_order ON vectors(space, kind, id, count);

-- What Chroma still has to forget, and up to which row of `vectors` it has followed.
CREATE TABLE garbage (
    id INTEGER PRIMARY KEY,
    space INTEGER NOT NULL,
    kind TEXT NOT NULL,
    places BLOB NOT NULL
);
CREATE TRIGGER vectors_removed AFTER DELETE ON vectors BEGIN
    INSERT INTO garbage(id, space, kind, places) VALUES (old.id, old.space, old.kind, old.places);
END;
CREATE TABLE followed (
    space INTEGER NOT NULL,
    kind TEXT NOT NULL,
    upto INTEGER NOT NULL,
    PRIMARY KEY (space, kind)
) WITHOUT ROWID;

CREATE TABLE staged (
    document TEXT NOT NULL,
    reading INTEGER NOT NULL REFERENCES readings(id),
    ordinal INTEGER NOT NULL,
    payload TEXT NOT NULL,
    staged_at REAL NOT NULL,
    PRIMARY KEY (document, reading, ordinal)
) WITHOUT ROWID;

CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    key TEXT NOT NULL,
    asked TEXT NOT NULL,
    state TEXT NOT NULL,
    outcome TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    reading BLOB NOT NULL,
    started REAL NOT NULL,
    ended REAL
);
CREATE INDEX jobs_by_time ON jobs(started);
-- How often a document's embedding was begun: what is still here later ended the process.
CREATE TABLE attempts (
    document INTEGER NOT NULL REFERENCES documents(key) ON DELETE CASCADE,
    space INTEGER NOT NULL REFERENCES spaces(id) ON DELETE CASCADE,
    count INTEGER NOT NULL,
    PRIMARY KEY (document, space)
) WITHOUT ROWID;
-- The profile that the library keeps to: one row at most.
CREATE TABLE chosen (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    profile TEXT NOT NULL,
    reason TEXT NOT NULL,
    chosen_at REAL NOT NULL
);
{TOTALS_SQL}
{VANISHED_SQL}
{FORGOTTEN_SQL.format(before=0)}
"""

MIGRATIONS: dict[int, str] = {
    3: f"""
ALTER TABLE documents ADD COLUMN dated REAL;
CREATE INDEX documents_by_date ON documents(dated) WHERE dated IS NOT NULL;
ALTER TABLE documents ADD COLUMN keywords TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN language TEXT NOT NULL DEFAULT '';
CREATE INDEX documents_by_language ON documents(language) WHERE language > '';
ALTER TABLE texts ADD COLUMN label TEXT NOT NULL DEFAULT '';
ALTER TABLE texts ADD COLUMN times TEXT;
ALTER TABLE texts ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
ALTER TABLE files ADD COLUMN sidecars TEXT NOT NULL DEFAULT '';
CREATE TABLE unread_figures (
    segment INTEGER PRIMARY KEY REFERENCES segments(key) ON DELETE CASCADE,
    attempts INTEGER NOT NULL DEFAULT 0
);
DROP TRIGGER words_added;
DROP TRIGGER words_removed;
DROP TRIGGER wholes_removed;
DROP TABLE words;
DROP TABLE wholes;
DELETE FROM pairs;
{WORD_TABLES_SQL}
""",
    4: TOTALS_SQL + "".join(f"INSERT INTO {table} {counted};" for table, counted in TOTALS.items()),
    5: f"ALTER TABLE files ADD COLUMN device INTEGER; {VANISHED_SQL} {FORGOTTEN_SQL.format(before=1)}",
    6: """
ALTER TABLE segments ADD COLUMN part TEXT NOT NULL DEFAULT '';
ALTER TABLE segments ADD COLUMN top INTEGER;
ALTER TABLE segments ADD COLUMN bottom INTEGER;
""",
    7: "ALTER TABLE texts ADD COLUMN fingerprint BLOB NOT NULL DEFAULT x'';",
}
"""What brings a catalog from a version to the next one. Version 3 is the first that a release made."""

WORDS_MADE_ANEW = frozenset({3})
"""The steps after which all words are written again, from the texts."""
