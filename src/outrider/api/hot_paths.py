"""The plain ASGI routes in the OpenAPI document, which the framework does not know."""

from __future__ import annotations

from typing import Any

import msgspec

from outrider.api.acknowledgements import LARGEST, MOST, PATH, Acknowledgment, AcknowledgmentAnswer
from outrider.api.import_rows import FORMS
from outrider.api.importing import CSV, NDJSON, ImportAnswer
from outrider.api.intake import IntakeAnswer
from outrider.ingest.cloudevents import (
    BATCH,
    JSON,
    LARGEST_BODY,
    LARGEST_EVENT,
    LONGEST_ATTRIBUTE,
    MOST_EVENTS,
    STRUCTURED,
)
from outrider.ingest.values import DEEPEST

REF = "#/components/schemas/{name}"

EXAMPLE = {
    "specversion": "1.0",
    "id": "b-7731-confirmed",
    "source": "/booking",
    "type": "booking.confirmed",
    "subject": "c-1042",
    "time": "2026-05-04T09:30:00Z",
    "data": {"booking": {"id": "b-7731", "starts_at": "2026-05-06T07:00:00Z"}},
}

_text = {"type": "string", "minLength": 1, "maxLength": LONGEST_ATTRIBUTE}

CLOUD_EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["specversion", "id", "source", "type"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {**_text, "description": "Unique within its source: a repeat is a duplicate."},
        "source": _text,
        "type": _text,
        "subject": {
            "type": "string",
            "maxLength": LONGEST_ATTRIBUTE,
            "description": "The profile's key, unless a source mapping says otherwise.",
        },
        "time": {"type": "string", "format": "date-time", "description": "When it happened; now when missing."},
        "datacontenttype": {"type": "string"},
        "data": {"type": "object", "description": f"At most {DEEPEST} levels deep."},
    },
    "additionalProperties": True,
    "description": "CloudEvents 1.0; extension attributes are accepted and passed over.",
    "examples": [EXAMPLE],
}

_TYPES = [IntakeAnswer, Acknowledgment, AcknowledgmentAnswer, ImportAnswer]
_, _answer_schemas = msgspec.json.schema_components(_TYPES, ref_template=REF)
HOT_SCHEMAS: dict[str, Any] = {"CloudEvent": CLOUD_EVENT, **_answer_schemas}

_event_ref = {"$ref": REF.format(name="CloudEvent")}
_ANSWER_EXAMPLE = {
    "accepted": 1,
    "duplicates": 0,
    "rejected": 0,
    "results": [{"id": "b-7731-confirmed", "status": "accepted", "position": 184022}],
}

_POST_EVENTS = {
    "tags": ["events"],
    "summary": "Take events",
    "operationId": "PostEvents",
    "description": (
        f"CloudEvents in structured, batch or binary mode, durable when answered. At most {MOST_EVENTS} events and "
        f"{LARGEST_BODY} bytes in one request, {LARGEST_EVENT} bytes in one event. A batch is answered with one result "
        "for each event; a single rejected event with a problem document. Rejected events are kept as dead letters. "
        "Scope: events:write."
    ),
    "requestBody": {
        "required": True,
        "content": {
            STRUCTURED: {"schema": _event_ref, "example": EXAMPLE},
            BATCH: {
                "schema": {"type": "array", "maxItems": MOST_EVENTS, "items": _event_ref},
                "example": [EXAMPLE],
            },
            JSON: {
                "schema": {"type": "object", "description": "Binary mode: data here, attributes in ce- headers."},
                "example": EXAMPLE["data"],
            },
        },
    },
    "responses": {
        "202": {
            "description": "Stored",
            "content": {JSON: {"schema": {"$ref": REF.format(name="IntakeAnswer")}, "example": _ANSWER_EXAMPLE}},
        }
    },
}


def _callback(method: str) -> dict[str, Any]:
    names = {"account": "The account's name.", "token": "The unguessable part of the account's callback URL."}
    return {
        "tags": ["callbacks"],
        "summary": "Take a provider's receipt or reply",
        "operationId": f"{method.capitalize()}Callback",
        "description": (
            "Called by providers, not by you. Verified as the provider signs; 204 once durable, 200 when it cannot be "
            "read and is kept as a dead letter, 403 when forged. `?attempt=` brings our echo back."
        ),
        "parameters": [
            *(
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "description": words}
                for name, words in names.items()
            ),
            {
                "name": "attempt",
                "in": "query",
                "schema": {"type": "string"},
                "example": "msg_01JD6QZX5N8V4T2R9K3M7P0AWC.1",
            },
        ],
        "responses": {"204": {"description": "Stored"}, "200": {"description": "Kept as a dead letter"}},
    }


_acknowledgment_ref = {"$ref": REF.format(name="Acknowledgment")}
ACKNOWLEDGED = {
    "token": "AZOjkKpRcjqJ1oW1qU0vKQABAGpK2kBq3cJ0kq5mJw2mD0iTq1lM",
    "state": "delivered",
    "at": "2026-05-04T09:31:12Z",
}

_POST_ACKNOWLEDGEMENTS = {
    "tags": ["acknowledgements"],
    "summary": "Take acknowledgments of apps",
    "operationId": "PostAcknowledgements",
    "description": (
        "Called by the app that got a push, without an API key: the token in the message's data is the proof. One "
        f"acknowledgment or a list of at most {MOST}, together {LARGEST} bytes. A repeat changes nothing. A single one "
        "is answered with 204, or with 403 when its token is forged or too old; a list with one result for each."
    ),
    "requestBody": {
        "required": True,
        "content": {
            JSON: {
                "schema": {
                    "oneOf": [
                        _acknowledgment_ref,
                        {"type": "array", "minItems": 1, "maxItems": MOST, "items": _acknowledgment_ref},
                    ]
                },
                "example": ACKNOWLEDGED,
            }
        },
    },
    "responses": {
        "204": {"description": "Stored"},
        "200": {
            "description": "What became of each of a list: stored, forged, late",
            "content": {
                JSON: {
                    "schema": {"$ref": REF.format(name="AcknowledgmentAnswer")},
                    "example": {"results": [{"status": "stored"}]},
                }
            },
        },
    },
}

_POST_IMPORT = {
    "tags": ["imports"],
    "summary": "Import rows",
    "operationId": "PostImport",
    "description": (
        "Profiles, objects, relations or consents as NDJSON or CSV (comma or semicolon), streamed; at most 1,000 rows "
        "in one transaction. Rows change what they name and keep the rest. What cannot be taken is answered with line, "
        "path and reason. With `import`, a row that was taken under the same import on the same line is a duplicate, "
        "so a part that was not answered may be sent again. Scope: profiles:write."
    ),
    "parameters": [
        {
            "name": "kind",
            "in": "query",
            "required": True,
            "schema": {"enum": list(FORMS)},
            "description": "What the rows are.",
        },
        {
            "name": "import",
            "in": "query",
            "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
            "description": "A name of your choice for the whole import.",
        },
        {
            "name": "first_line",
            "in": "query",
            "schema": {"type": "integer", "minimum": 1},
            "description": "The line of the first row in its file, where only a part of it is sent.",
        },
    ],
    "requestBody": {
        "required": True,
        "content": {
            NDJSON: {"schema": {"type": "string"}, "example": '{"key": "c-1042", "traits": {"name": "Anna"}}'},
            CSV: {"schema": {"type": "string"}, "example": "key;addresses.sms\nc-1042;06 12 34 56 78"},
        },
    },
    "responses": {
        "200": {
            "description": "Taken",
            "content": {JSON: {"schema": {"$ref": REF.format(name="ImportAnswer")}}},
        }
    },
}
_TOKEN = {
    "name": "token",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
    "description": "The signed token of the link.",
}
_PAGE = {"200": {"description": "A page", "content": {"text/html": {"schema": {"type": "string"}}}}}
_UNSUBSCRIBE: dict[str, Any] = {
    "get": {
        "tags": ["unsubscribe"],
        "summary": "Show the page behind an unsubscribe link",
        "operationId": "GetUnsubscribe",
        "description": "Changes nothing: link scanners follow links. The page's button sends the POST.",
        "parameters": [_TOKEN],
        "responses": _PAGE,
    },
    "post": {
        "tags": ["unsubscribe"],
        "summary": "Unsubscribe with one click (RFC 8058)",
        "operationId": "PostUnsubscribe",
        "description": (
            "Called by mailbox providers and by the page's button. Withdraws the person's consent to the message's "
            "purpose on its channel; delivery obeys from the answer on. No key, no redirect; 404 for a forged token."
        ),
        "parameters": [_TOKEN],
        "requestBody": {
            "required": True,
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": {"type": "object", "properties": {"List-Unsubscribe": {"const": "One-Click"}}},
                    "example": {"List-Unsubscribe": "One-Click"},
                }
            },
        },
        "responses": _PAGE,
    },
}


HOT_PATHS: dict[str, Any] = {
    "/v1/import": {"post": _POST_IMPORT},
    "/v1/events": {"post": _POST_EVENTS},
    PATH: {"post": _POST_ACKNOWLEDGEMENTS},
    "/v1/unsubscribe/{token}": _UNSUBSCRIBE,
    "/v1/callbacks/{account}/{token}": {"post": _callback("post"), "get": _callback("get")},
}
