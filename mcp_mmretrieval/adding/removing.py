"""Takes files, folders and documents out of the library; the files themselves stay on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mcp_mmretrieval.answers import Removal
from mcp_mmretrieval.errors import BadArgument, NotAllowed, NotInLibrary
from mcp_mmretrieval.store import Catalog, File
from mcp_mmretrieval.targets import ConnectionView


class DocumentRemover:
    """Removes for one connection: its roots bound what can be removed."""

    def __init__(self, catalog: Catalog, view: ConnectionView) -> None:
        self._catalog = catalog
        self._roots = view.roots
        self._targets = view.targets

    def remove(self, targets: Sequence[str], *, dry_run: bool) -> Removal:
        """See `Library.remove`."""
        if not targets:
            raise BadArgument("Say what to remove: paths, folders, citations or document ids.")
        paths: dict[str, str] = {}
        inline: dict[str, None] = {}
        unknown: dict[str, str] = {}
        kept: dict[str, None] = {}
        for target in targets:
            vanished = self._vanished(target)
            kept |= dict.fromkeys(vanished)
            try:
                held, texts = self._removable(target)
            except (NotInLibrary, BadArgument) as error:
                if not vanished:
                    unknown[target] = str(error)
                continue
            paths |= {file.path: file.document for file in held}
            inline |= dict.fromkeys(texts)
        going = self._going(paths, set(inline))
        removal = Removal(
            files=len({*paths, *kept}),
            documents=len(going),
            segments=self._catalog.size(going),
            unknown=tuple(unknown),
            notes=tuple(unknown.values()),
        )
        if not dry_run:
            self._catalog.remove_files([*paths, *kept])
            self._catalog.remove_texts(list(inline))
        return removal

    def _going(self, paths: Mapping[str, str], inline: set[str]) -> list[str]:
        """Documents that this connection sees no more without these paths and inline texts.

        `paths` with what each points at. Whether the same content also stands under other roots makes no difference:
        that is not for it to know.
        """
        ids = {*paths.values(), *inline}
        documents, files = self._catalog.documents(ids), self._catalog.files_of(ids)
        return [
            id
            for id, document in documents.items()
            if (id in inline or not document.inline)
            and all(file.path in paths for file in files.get(id, []) if self._roots.covers(file.path))
        ]

    def _vanished(self, target: str) -> list[str]:
        """Visible paths that vanished from there: what is kept of them goes too."""
        kept = [one.file.path for path in self._roots.readings(target) for one in self._catalog.kept_files(path)]
        return [path for path in kept if self._roots.covers(path)]

    def _removable(self, target: str) -> tuple[list[File], list[str]]:
        """The visible files, and the inline documents, that a target names. Raises NotInLibrary, BadArgument."""
        try:
            path = self._targets.path(target)
        except NotAllowed:
            held = []
        else:
            held = [file for file in self._catalog.files_under(path) if self._roots.covers(file.path)]
        if held:
            return held, []
        document = self._targets.find(target).document
        files = self._catalog.files_of_one(document.id)
        return [file for file in files if self._roots.covers(file.path)], [document.id] if document.inline else []
