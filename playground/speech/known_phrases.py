"""Phrases that Whisper is known to write where nobody speaks: credits and thanks of the subtitles it learned from."""

from __future__ import annotations

import re

KNOWN_PHRASES: dict[str, tuple[str, ...]] = {
    "de": (
        "untertitel der amara.org-community",
        "untertitel im auftrag des zdf für funk 2017",
        "untertitelung des zdf 2020",
        "vielen dank fürs zuschauen",
        "bis zum nächsten mal",
    ),
    "en": (
        "thank you",
        "thank you very much",
        "thank you for watching",
        "thanks for watching",
        "thank you so much for watching",
        "please subscribe",
        "like and subscribe",
        "subtitles by the amara.org community",
        "transcription by castingwords",
        "see you next time",
        "bye",
        "you",
    ),
    "es": (
        "subtítulos realizados por la comunidad de amara.org",
        "subtítulos por la comunidad de amara.org",
        "gracias por ver el video",
        "suscríbete al canal",
    ),
    "fr": (
        "sous-titres réalisés par la communauté d'amara.org",
        "sous-titres réalisés para la communauté d'amara.org",
        "sous-titrage société radio-canada",
        "merci d'avoir regardé cette vidéo",
        "abonnez-vous",
    ),
    "it": ("sottotitoli creati dalla comunità amara.org", "sottotitoli e revisione a cura di qtss", "grazie a tutti"),
    "ja": ("ご視聴ありがとうございました", "チャンネル登録をお願いいたします"),
    "ko": ("시청해 주셔서 감사합니다", "구독과 좋아요 부탁드립니다"),
    "nl": ("ondertitels ingediend door de amara.org gemeenschap", "bedankt voor het kijken"),
    "pl": ("napisy stworzone przez społeczność amara.org", "dziękuję za oglądanie", "dziękuję za uwagę"),
    "pt": ("legendas pela comunidade amara.org", "legenda adriana zanotto", "obrigado por assistir"),
    "ru": (
        "продолжение следует",
        "субтитры сделал dimatorzok",
        "субтитры создавал dimatorzok",
        "субтитры подогнал симон",
        "редактор субтитров а.семкин корректор а.егорова",
        "спасибо за просмотр",
        "спасибо за внимание",
        "подписывайтесь на канал",
        "до новых встреч",
    ),
    "tr": ("altyazı m.k", "izlediğiniz için teşekkür ederim", "abone olmayı unutmayın"),
    "uk": ("дякую за перегляд", "дякуємо за перегляд", "продовження буде"),
    "zh": ("字幕由amara.org社区提供", "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目", "谢谢大家"),
}

_PUNCTUATION = re.compile(r"[^\w\s.'’-]|(?<!\w)[.'’-]|[.'’-](?!\w)")


def find_known_phrase(text: str, language: str = "") -> str:
    """The known phrase that makes up all of `text`, once or several times; empty if there is none. `language` is a
    code, empty for any. Ignores case and punctuation."""
    words = normalized(text)
    phrases = KNOWN_PHRASES.get(language, ()) if language else [p for each in KNOWN_PHRASES.values() for p in each]
    return next((phrase for phrase in phrases if words and not words.replace(phrase, "").strip()), "")


def normalized(text: str) -> str:
    """Lower case, single spaces, no punctuation except inside words."""
    return " ".join(_PUNCTUATION.sub(" ", text.lower()).split())
