"""The view: what conditions and templates may read of one moment, as plain nested values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from outrider.contracts.surroundings import Surroundings
from outrider.domain.entry import Event
from outrider.domain.profile import Object, Profile
from outrider.expressions import FieldType, Kind

#: Object kind (or ``profile``) → its fields that hold timestamps.
Timed = Mapping[str, Mapping[str, FieldType]]


def view(
    profile: Profile,
    objects: Mapping[str, Object],
    event: Event | None,
    market: str,
    now: datetime,
    timed: Timed,
) -> dict[str, Any]:
    """The context of conditions.

    `objects` holds one object for each kind that is known here; `market` is the market code that applies to the
    person; `now` is an aware instant; `timed` comes from `timed_kinds`. Gives ``profile`` (sealed and open traits,
    market, locale, zone, language), each object kind's traits, ``market``, ``now``, and ``event`` where there is one.
    ISO 8601 texts of fields declared timestamp become aware instants in UTC; a text that names no zone stays a text,
    so that a condition on it says what is wrong.
    """
    found: dict[str, Any] = {kind: typed(thing.traits, timed.get(kind, {})) for kind, thing in objects.items()}
    found["profile"] = {
        **typed(profile.identity.traits | profile.traits, timed.get("profile", {})),
        **_person(profile, market),
    }
    found["market"] = market
    found["now"] = now
    if event is not None:
        found["event"] = {"type": event.type, "data": event.data, "time": event.time}
    return found


def timed_kinds(surroundings: Surroundings) -> Timed:
    """The timestamp fields of every declared object kind and of profiles: computed once for each configuration."""
    kinds = {**surroundings.objects, "profile": surroundings.profile or {}}
    return {kind: timed for kind, fields in kinds.items() if (timed := timed_fields(fields))}


def timed_fields(fields: Mapping[str, FieldType]) -> dict[str, FieldType]:
    """Those fields that are timestamps or contain some."""
    return {name: field for name, field in fields.items() if _is_timed(field)}


def typed(values: Mapping[str, Any], timed: Mapping[str, FieldType]) -> dict[str, Any]:
    """The values, with instants where the declared fields hold timestamps."""
    found = dict(values)
    for name, field in timed.items():
        if name in found:
            found[name] = _typed(found[name], field)
    return found


def _person(profile: Profile, market: str) -> dict[str, Any]:
    language = profile.locale.replace("_", "-").partition("-")[0].lower() if profile.locale else None
    return {"market": market, "locale": profile.locale, "zone": profile.zone, "language": language}


def _is_timed(field: FieldType) -> bool:
    if field.kind is Kind.TIMESTAMP:
        return True
    inner = [*(field.fields or {}).values(), *([field.element] if field.element else [])]
    return any(map(_is_timed, inner))


def _typed(value: Any, field: FieldType) -> Any:
    if field.kind is Kind.TIMESTAMP:
        return _instant(value)
    if isinstance(value, Mapping) and field.fields:
        return typed(value, field.fields)
    if isinstance(value, Mapping) and field.element:
        return {name: _typed(inner, field.element) for name, inner in value.items()}
    if isinstance(value, list) and field.element:
        return [_typed(item, field.element) for item in value]
    return value


def _instant(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        instant = datetime.fromisoformat(value)
        return instant.astimezone(UTC) if instant.tzinfo else value
    except (ValueError, OverflowError):
        return value
