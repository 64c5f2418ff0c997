"""From a row of an import to entries: the same checks as the single routes, a reason and a path for what is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from outrider.api.consents import ConsentIn, check_line, line_of
from outrider.api.deps import ApiDeps
from outrider.api.objects import check_kind
from outrider.api.people import ProfileIn, profile_change, wrong_traits
from outrider.api.problems import REJECTED, Problem, Wrong
from outrider.api.relations import RelationIn, relation_of
from outrider.api.wording import worded
from outrider.api.writing import LONGEST_KEY
from outrider.domain.entry import Entry, ObjectChange, ObjectEntry, ProfileEntry, RelationEntry
from outrider.domain.profile import ConsentState
from outrider.expressions import BOOL, FLOAT, INT, FieldType
from outrider.ingest.mapping import PROFILE
from outrider.ingest.rows import BadRow, Header, RawRow, cells_of, text_of, whole

#: Consents beside one profile: every purpose on many channels.
MOST_CONSENTS = 100
Key = Annotated[str, Meta(min_length=1, max_length=LONGEST_KEY)]


class RowConsent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A consent beside its profile."""

    purpose: str
    state: str
    channel: str = ""
    source: str = ""
    evidence: dict[str, Any] = {}
    at: str | None = None


class ProfileRow(ProfileIn, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A profile: what PATCH of it may hold, with its key and its consents."""

    key: Key
    consents: Annotated[tuple[RowConsent, ...], Meta(max_length=MOST_CONSENTS)] = ()


class ObjectRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An object, as PATCH of it."""

    kind: str
    key: Key
    traits: dict[str, Any] = {}


class RelationRow(RelationIn, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """A relation to set; with `end`, the end of every relation of this role between the two."""

    end: bool = False


class Made(msgspec.Struct):
    """What became of a row: entries, and those of its consents that put a stop with them."""

    entries: list[Entry] = []
    withdrawn: list[ConsentIn] = []


#: Kind of import → the form of its rows.
FORMS: Mapping[str, type[msgspec.Struct]] = {
    "profiles": ProfileRow,
    "objects": ObjectRow,
    "relations": RelationRow,
    "consents": ConsentIn,
}


class RowReader:
    """Reads the rows of one import."""

    def __init__(self, deps: ApiDeps, kind: str, run: str, header: Header | None = None, delimiter: str = ",") -> None:
        """`run` names the import: a row on the same line with the same bytes is taken once in it; empty, always."""
        self.deps = deps
        self.kind = kind
        self.run = run
        self.header = header
        self.delimiter = delimiter
        self._configuration = deps.configuration()
        self._make: Mapping[str, Callable[[Any, datetime], Made]] = {
            "profiles": self._profile,
            "objects": self._object,
            "relations": self._relation,
            "consents": self._consent,
        }

    def read(self, row: RawRow) -> Made:
        """The row's entries. Raises Problem with every place that is wrong."""
        made = self._make[self.kind](self._decode(row), self.deps.clock.now())
        if self.run:
            made.entries = [
                msgspec.structs.replace(entry, key=self._key(row, place)) for place, entry in enumerate(made.entries)
            ]
        return made

    def _key(self, row: RawRow, place: int) -> bytes:
        return self.deps.hasher.event(f"outrider/import/{self.run}", f"{row.line}.{place}:{row.raw.hex()}")

    def _decode(self, row: RawRow) -> Any:
        try:
            text = text_of(whole(row))
            if self.header is None:
                return msgspec.json.decode(text, type=FORMS[self.kind])
            cells = self.header.row(cells_of(text, self.delimiter))
            self._type_traits(cells)
            return msgspec.convert(cells, FORMS[self.kind], strict=False)
        except BadRow as error:
            raise _refused(error.path, error.reason) from None
        except msgspec.ValidationError as error:
            path, reason = worded(str(error))
            raise _refused(path or "$", reason) from None
        except (msgspec.DecodeError, RecursionError) as error:
            raise _refused("$", f"not JSON: {error}") from None

    def _type_traits(self, cells: dict[str, Any]) -> None:
        """Cells are text; a trait that is declared a number or a truth value becomes one."""
        kind = PROFILE if self.kind == "profiles" else str(cells.get("kind", ""))
        declared = self._configuration.kinds.get(kind)
        for name, text in cells.get("traits", {}).items():
            field = declared.traits.get(name) if declared else None
            cells["traits"][name] = _typed(f"$.traits.{name}", text, field)

    def _profile(self, row: ProfileRow, now: datetime) -> Made:
        key = _storable(row.key)
        given = ProfileIn(row.kind, row.market, row.locale, row.zone, row.traits, row.addresses)
        change = profile_change(key, given, self._configuration, None, replace=False)
        made = Made([Entry(self.deps.hasher.stream(PROFILE, key), ProfileEntry(change), now)])
        for place, each in enumerate(row.consents):
            try:
                line = msgspec.convert({"profile": key, **msgspec.to_builtins(each)}, ConsentIn)
            except msgspec.ValidationError as error:
                path, reason = worded(str(error))
                raise _refused(f"$.consents[{place}]{path.removeprefix('$')}", reason) from None
            consent = self._consent(line, now)
            made.entries += consent.entries
            made.withdrawn += consent.withdrawn
        return made

    def _object(self, row: ObjectRow, now: datetime) -> Made:
        check_kind(self.deps, row.kind)
        if wrong := wrong_traits(row.traits):
            raise Problem(REJECTED, errors=wrong)
        stream = self.deps.hasher.stream(row.kind, _storable(row.key))
        return Made([Entry(stream, ObjectEntry(ObjectChange(row.kind, row.key, row.traits)), now)])

    def _relation(self, row: RelationRow, now: datetime) -> Made:
        if row.end and (row.valid_from or row.valid_to):
            path = "$.valid_from" if row.valid_from else "$.valid_to"
            raise _refused(path, "every relation of the role ends, whatever its times; leave them out beside end")
        relation = relation_of(self.deps, row)
        stream = self.deps.hasher.stream(relation.from_kind, relation.from_key)
        return Made([Entry(stream, RelationEntry(relation, delete=row.end), now)])

    def _consent(self, row: ConsentIn, now: datetime) -> Made:
        """An import may withdraw at once, and never lifts a withdrawal that was made here: its file may be older."""
        check_line(row)
        stream = self.deps.hasher.stream(PROFILE, row.profile)
        made = Made([Entry(stream, line_of(row), now)])
        if row.state is ConsentState.WITHDRAWN:
            made.withdrawn.append(row)
        return made


def _typed(path: str, text: str, field: FieldType | None) -> Any:
    kinds: Mapping[Any, tuple[type, str]] = {
        INT.kind: (int, "a whole number"),
        FLOAT.kind: (float, "a number with a decimal point"),
        BOOL.kind: (bool, "true or false"),
    }
    if field is None or field.kind not in kinds:
        return text
    kind, words = kinds[field.kind]
    try:
        return msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError:
        raise _refused(path, f"expected {words}") from None


def _storable(key: str) -> str:
    if "\0" in key:
        raise _refused("$.key", "the character U+0000 is not allowed")
    return key


def _refused(path: str, reason: str) -> Problem:
    return Problem(REJECTED, errors=[Wrong(path, reason)])
