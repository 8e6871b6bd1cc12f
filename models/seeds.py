"""Seeds for every purpose of a trial, from the one it declares. Free of torch."""

import hashlib


def stream_seed(seed: int, purpose: str) -> int:
    """The 32-bit seed of one stream: as many bits as torch's CPU generator uses."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{purpose}".encode()).digest()[:4], "big")
