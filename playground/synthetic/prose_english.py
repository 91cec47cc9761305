"""English sentence patterns; a word in capitals is a slot that the list of that name fills."""

from __future__ import annotations

ENGLISH: dict[str, tuple[str, ...]] = {
    "sentence": (
        "WHO DID WHAT WHEN.", "WHO DID WHAT WHERE.", "WHEN WHO DID WHAT.", "the THING was QUALITY and QUALITY.",
        "WHO said that the THING was QUALITY.", "the THING stood WHERE, and WHO DID it.",
        "if the THING is QUALITY, WHO will see it.", "there was a QUALITY THING WHERE.",
        "WHO asked why the THING was so QUALITY.", "nobody knew who DID the QUALITY THING.",
        "it was QUALITY WHEN, but the THING stayed QUALITY.", "we think that WHO DID WHAT.",
        "WHO went WHERE and DID WHAT.", "a PART runs one STEP at a time.", "the PART keeps the TECH in memory.",
        "a larger TECH makes the PART slower.", "the first token waits for the PART, the next ones do not.",
        "when the TECH is full, the PART stops and waits.", "each STEP reads the TECH once and writes it back.",
        "a small PART can be fast, but it knows little.", "the PART counts every TECH before it answers.",
        "measure the PART before you change the TECH.", "fewer bits for the TECH leave more room for the PART.",
        "after the STEP the PART frees the TECH.",
    ),
    "who": (
        "the teacher", "the old captain", "my brother", "the young doctor", "a tired driver", "the baker",
        "our neighbour", "the child", "the farmer", "an engineer", "the painter", "her friend", "the king",
        "the quiet student", "a traveller", "the nurse", "Anna", "Peter", "Maria", "the cat", "a small dog",
        "the gardener", "the pilot", "the singer",
    ),
    "did": (
        "found", "painted", "carried", "opened", "lost", "sold", "bought", "washed", "repaired", "forgot", "watched",
        "hid", "moved", "described", "built", "broke", "remembered", "followed", "liked", "noticed", "counted",
        "closed", "left", "touched",
    ),
    "what": (
        "the THING", "a QUALITY THING", "the QUALITY THING", "an old THING", "the THING and a letter",
        "the THING and the map",
    ),
    "thing": (
        "house", "window", "boat", "garden", "letter", "bridge", "lamp", "clock", "road", "coat", "table", "river",
        "train", "book", "picture", "door", "bag", "machine", "wall", "song", "cup", "box", "horse", "tower",
        "market", "island", "chair", "bottle",
    ),
    "quality": (
        "red", "quiet", "heavy", "bright", "cold", "warm", "hollow", "broken", "new", "strange", "small", "green",
        "beautiful", "dark", "clean", "dusty", "wooden", "long", "simple", "slow", "golden", "round", "soft", "wide",
    ),
    "where": (
        "near the river", "in the garden", "behind the house", "at the station", "under the bridge", "on the hill",
        "in the old town", "by the sea", "in the kitchen", "outside the school", "at the market", "in a small room",
        "on the island", "beside the road",
    ),
    "when": (
        "in the morning", "yesterday", "last winter", "on Sunday", "before noon", "at night", "in spring",
        "after the rain", "long ago", "every evening", "that summer", "at the end of the day", "two days later",
        "in the year of the flood",
    ),
    "part": (
        "model", "worker", "engine", "scheduler", "program", "server", "cache", "queue", "loop", "decoder",
    ),
    "tech": (
        "cache", "batch", "prompt", "weight", "block", "token", "table", "context", "request", "window",
    ),
    "step": (
        "step", "pass", "prefill", "decode", "round", "layer",
    ),
}  # fmt: skip
