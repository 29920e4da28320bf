"""Tokens that nobody issued, with a right checksum: made by docs/spec/token-format.md alone."""

import base64
import random

DRAWN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SEED = 0x4465_6661_756C_7430
MASK = 0xFFFF_FFFF


def rotated(word, bits):
    return ((word << bits) | (word >> (32 - bits))) & MASK


def mixed(low, high):
    """T14."""
    high ^= low
    low = (rotated(low, 20) + high) & MASK
    high = rotated(high, 9) ^ low
    low = (rotated(low, 27) + high) & MASK
    return low, rotated(high, 19)


def checksum(text):
    """T13, of the 80 characters in front."""
    low, high = SEED & MASK, SEED >> 32
    data = base64.b64decode(text)
    for at in range(0, len(data), 4):
        low, high = mixed((low + int.from_bytes(data[at:at + 4], "little")) & MASK, high)
    low, high = mixed((low + 0x80) & MASK, high)
    low, high = mixed(low, high)
    digest = (low ^ high).to_bytes(4, "little")
    number, digits = int.from_bytes(digest, "big"), ""
    while number:
        number, rest = divmod(number, 62)
        digits = DIGITS[rest] + digits
    digits = "0" * (4 - len(digest.lstrip(b"\0"))) + digits
    return digits.ljust(4, "0")[:4]


def forge(rng: random.Random, like):
    """Another secret with the marks, the digest key's id and the provider of `like`."""
    text = "".join(rng.choice(DRAWN) for _ in range(52)) + like[52:80]
    return text + checksum(text)
