"""What a job was asked, in a form that another process can go on with."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AddRequest:
    """The arguments of one adding, and for whom."""

    roots: tuple[str, ...]
    """Absolute real paths of the folders that its connection may read: whoever may read them all may see the job."""
    paths: tuple[str, ...] = ()
    text: str | None = None
    title: str | None = None
    dry_run: bool = False
    watched: bool = False
    """Whether nobody asked: the paths are what was seen to change, none the roots whole. Such a job is not kept for a
    later process, which looks for itself."""

    @property
    def key(self) -> str:
        """Equal for the same request; says nothing of what was asked."""
        arguments = [self.roots, self.paths, self.text, self.title, self.dry_run, *([True] if self.watched else [])]
        return hashlib.sha256(json.dumps(arguments).encode()).hexdigest()

    def stored(self) -> str:
        """As JSON in ASCII: names that are no UTF-8 come back as they were."""
        given = asdict(self)
        del given["watched"]
        return json.dumps(given)

    @classmethod
    def read(cls, stored: str) -> AddRequest:
        """What `stored` made."""
        given = json.loads(stored)
        return cls(**{**given, "roots": tuple(given["roots"]), "paths": tuple(given["paths"])})
