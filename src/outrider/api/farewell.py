"""The page behind an unsubscribe link, in the languages of the shipped markets: a question, then thanks."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from html import escape

import msgspec


class Words(msgspec.Struct, frozen=True):
    """The texts of one language."""

    title: str
    question: str
    button: str
    done: str


LANGUAGES = {
    "en": Words(
        "Unsubscribe",
        "Do you want no more e-mail of this kind?",
        "Yes, unsubscribe",
        "You are unsubscribed. E-mail of this kind will not be sent to you any more.",
    ),
    "fr": Words(
        "Se désabonner",
        "Vous ne souhaitez plus recevoir d’e-mails de ce type ?",
        "Oui, me désabonner",
        "C’est fait. Vous ne recevrez plus d’e-mails de ce type.",
    ),
    "de": Words(
        "Abmelden",
        "Möchten Sie keine E-Mails dieser Art mehr erhalten?",
        "Ja, abmelden",
        "Sie sind abgemeldet. Sie erhalten keine E-Mails dieser Art mehr.",
    ),
    "es": Words(
        "Darse de baja",
        "¿No desea recibir más correos de este tipo?",
        "Sí, darme de baja",
        "Listo. No recibirá más correos de este tipo.",
    ),
    "it": Words(
        "Annulla l’iscrizione",
        "Non vuole più ricevere e-mail di questo tipo?",
        "Sì, annulla l’iscrizione",
        "Fatto. Non riceverà più e-mail di questo tipo.",
    ),
    "pt": Words(
        "Cancelar a subscrição",
        "Não deseja receber mais e-mails deste tipo?",
        "Sim, cancelar",
        "Está feito. Não receberá mais e-mails deste tipo.",
    ),
    "nl": Words(
        "Afmelden",
        "Wilt u geen e-mail van dit soort meer ontvangen?",
        "Ja, afmelden",
        "U bent afgemeld. U ontvangt geen e-mail van dit soort meer.",
    ),
}

STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1.5rem;color:#1d2430;"
    "background:#fff}button{font:inherit;padding:.6rem 1.4rem;border:0;border-radius:.4rem;background:#1d4ed8;"
    "color:#fff;cursor:pointer}button:focus-visible{outline:3px solid #93b4fd}"
)
#: Nothing but this style and this form (Content Security Policy 3).
POLICY = (
    "default-src 'none'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def language(accepted: str) -> str:
    """The best known language of an Accept-Language header (RFC 9110, 12.5.4); English where none fits."""
    ranked = sorted((_ranked(part) for part in accepted.split(",")[:20]), key=lambda one: -one[0])
    return next((name for quality, name in ranked if quality > 0 and name in LANGUAGES), "en")


def _ranked(part: str) -> tuple[float, str]:
    tag, _, quality = part.partition(";q=")
    try:
        rank = float(quality) if quality else 1.0
    except ValueError:
        rank = 0.0
    return rank, tag.strip().lower().partition("-")[0]


@cache
def page(name: str, *, done: bool) -> bytes:
    """The page in a language: the question before the click, the thank you after it."""
    words = LANGUAGES[name]
    form = (
        '<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">'
        f"<button>{escape(words.button)}</button></form>"
    )
    body = f"<p>{escape(words.done)}</p>" if done else f"<p>{escape(words.question)}</p>{form}"
    return (
        f'<!doctype html><html lang="{name}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{escape(words.title)}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{escape(words.title)}</h1>{body}</main></body></html>"
    ).encode()
