"""The page behind an unsubscribe link, in the languages of the shipped markets: a question, then thanks."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from html import escape

import msgspec

from outrider.domain.purpose import Purpose


class Moment(StrEnum):
    """What the page has to say."""

    ASKS = "asks"
    DONE = "done"
    #: The link is none of ours, or not all of it.
    MISSING = "missing"
    #: The store did not take it; once more may do.
    FAILED = "failed"


class Words(msgspec.Struct, frozen=True):
    """The texts of one language; `{kind}` stands for what the mail was about."""

    title: str
    question: str
    button: str
    done: str
    #: What does not end.
    stays: str
    missing: str
    failed: str
    #: What a purpose is called; "" for any other one.
    kinds: Mapping[str, str]


def _kinds(commercial: str, service: str, other: str) -> Mapping[str, str]:
    return {Purpose.COMMERCIAL: commercial, Purpose.SERVICE: service, "": other}


LANGUAGES = {
    "en": Words(
        "Unsubscribe",
        "Do you want no more {kind} by e-mail?",
        "Yes, unsubscribe",
        "You are unsubscribed. We will send you no more {kind} by e-mail.",
        "Messages about your bookings, your contract and your account still reach you.",
        "This link is not complete. Please open it from the e-mail again, or copy all of it.",
        "That did not work just now. Please try again in a moment.",
        _kinds("offers and recommendations", "tips and news", "messages of this kind"),
    ),
    "fr": Words(
        "Se désabonner",
        "Vous ne souhaitez plus recevoir {kind} par e-mail ?",
        "Oui, me désabonner",
        "C’est fait. Vous ne recevrez plus {kind} par e-mail.",
        "Les messages concernant vos réservations, votre contrat et votre compte vous parviendront toujours.",
        "Ce lien est incomplet. Ouvrez-le de nouveau depuis l’e-mail, ou copiez-le en entier.",
        "Cela n’a pas fonctionné. Veuillez réessayer dans un instant.",
        _kinds("nos offres et recommandations", "nos conseils et actualités", "de messages de ce type"),
    ),
    "de": Words(
        "Abmelden",
        "Möchten Sie {kind} nicht mehr per E-Mail erhalten?",
        "Ja, abmelden",
        "Sie sind abgemeldet. {kind} kommen nicht mehr per E-Mail.",
        "Nachrichten zu Ihren Buchungen, Ihrem Vertrag und Ihrem Konto erhalten Sie weiterhin.",
        "Dieser Link ist unvollständig. Öffnen Sie ihn bitte noch einmal aus der E-Mail, oder kopieren Sie ihn ganz.",
        "Das hat gerade nicht geklappt. Bitte versuchen Sie es gleich noch einmal.",
        _kinds("Angebote und Empfehlungen", "Tipps und Neuigkeiten", "Nachrichten dieser Art"),
    ),
    "es": Words(
        "Darse de baja",
        "¿No desea recibir más {kind} por correo electrónico?",
        "Sí, darme de baja",
        "Listo. No recibirá más {kind} por correo electrónico.",
        "Seguirá recibiendo los mensajes sobre sus reservas, su contrato y su cuenta.",
        "Este enlace está incompleto. Ábralo de nuevo desde el correo o cópielo entero.",
        "No ha funcionado. Inténtelo de nuevo dentro de un momento.",
        _kinds("ofertas y recomendaciones", "consejos y novedades", "mensajes de este tipo"),
    ),
    "it": Words(
        "Annulla l’iscrizione",
        "Non vuole più ricevere {kind} via e-mail?",
        "Sì, annulla l’iscrizione",
        "Fatto. Non riceverà più {kind} via e-mail.",
        "Continuerà a ricevere i messaggi sulle prenotazioni, sul contratto e sul suo account.",
        "Questo link è incompleto. Lo apra di nuovo dall’e-mail o lo copi per intero.",
        "Non ha funzionato. Riprovi tra un momento.",
        _kinds("offerte e consigli d’acquisto", "suggerimenti e novità", "messaggi di questo tipo"),
    ),
    "pt": Words(
        "Cancelar a subscrição",
        "Não deseja receber mais {kind} por e-mail?",
        "Sim, cancelar",
        "Está feito. Não receberá mais {kind} por e-mail.",
        "Continuará a receber as mensagens sobre as suas reservas, o seu contrato e a sua conta.",
        "Esta ligação está incompleta. Abra-a de novo a partir do e-mail ou copie-a por inteiro.",
        "Não funcionou. Tente novamente dentro de momentos.",
        _kinds("ofertas e recomendações", "sugestões e novidades", "mensagens deste tipo"),
    ),
    "nl": Words(
        "Afmelden",
        "Wilt u geen {kind} meer per e-mail ontvangen?",
        "Ja, afmelden",
        "U bent afgemeld. U ontvangt geen {kind} meer per e-mail.",
        "Berichten over uw boekingen, uw contract en uw account blijft u ontvangen.",
        "Deze link is niet volledig. Open hem opnieuw vanuit de e-mail of kopieer hem helemaal.",
        "Dat lukte nu even niet. Probeer het zo meteen opnieuw.",
        _kinds("aanbiedingen en aanbevelingen", "tips en nieuws", "berichten van deze soort"),
    ),
}

#: Light and dark as the device has it; contrasts of 4.5 and more, a button of 44 pixels (WCAG 2.2, 1.4.3 and 2.5.5).
STYLE = (
    ":root{color-scheme:light dark;--text:#1d2430;--soft:#4a5361;--ground:#fff;--button:#1d4ed8;--ring:#93b4fd}"
    "@media(prefers-color-scheme:dark){:root{--text:#e8ebf0;--soft:#b3bcc9;--ground:#12161d;--button:#2f62e0}}"
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1.5rem;color:var(--text);"
    "background:var(--ground);overflow-wrap:break-word}h1{line-height:1.2}.soft{color:var(--soft);font-size:1rem}"
    "button{font:inherit;min-height:44px;padding:.6rem 1.4rem;border:0;border-radius:.4rem;background:var(--button);"
    "color:#fff;cursor:pointer}button:focus-visible{outline:3px solid var(--ring);outline-offset:2px}"
)
#: Nothing but this style and this form (Content Security Policy 3).
POLICY = (
    "default-src 'none'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def language(locale: str, accepted: str) -> str:
    """The language of the mail where the page knows it; else the best of an Accept-Language header; else English.

    locale: a language tag (BCP 47), or nothing. accepted: as in RFC 9110, 12.5.4.
    """
    ranked = sorted((_ranked(part) for part in accepted.split(",")[:20]), key=lambda one: -one[0])
    wanted = [_language_of(locale), *(name for quality, name in ranked if quality > 0)]
    return next((name for name in wanted if name in LANGUAGES), "en")


def _ranked(part: str) -> tuple[float, str]:
    tag, _, quality = part.partition(";q=")
    try:
        rank = float(quality) if quality else 1.0
    except ValueError:
        rank = 0.0
    return rank, _language_of(tag)


def _language_of(tag: str) -> str:
    return tag.strip().lower().replace("_", "-").partition("-")[0]


@cache
def page(name: str, moment: Moment, purpose: str = "") -> bytes:
    """The page in a language. It names nobody and holds nothing but its texts."""
    words = LANGUAGES[name]
    kind = words.kinds.get(purpose, words.kinds[""])
    return (
        f'<!doctype html><html lang="{name}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{escape(words.title)}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{escape(words.title)}</h1>{_body(words, moment, kind)}</main></body></html>"
    ).encode()


def _body(words: Words, moment: Moment, kind: str) -> str:
    form = (
        '<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">'
        f"<button>{escape(words.button)}</button></form>"
    )
    stays = f'<p class="soft">{escape(words.stays)}</p>'
    if moment is Moment.ASKS:
        return f"<p>{escape(words.question.format(kind=kind))}</p>{form}{stays}"
    if moment is Moment.DONE:
        return f'<p role="status">{escape(words.done.format(kind=kind))}</p>{stays}'
    if moment is Moment.FAILED:
        return f'<p role="alert">{escape(words.failed)}</p>{form}'
    return f'<p role="alert">{escape(words.missing)}</p>'
