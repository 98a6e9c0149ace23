"""Sign bodies: with ECDSA as SendGrid does, or with HMAC as Standard Webhooks describes.

SendGrid's signature covers the time and the body (Twilio SendGrid, "Event Webhook Security Features"). The signature of
Standard Webhooks covers the id, the time and the body, once for each secret that is valid (specification, section
"Signature scheme"). Each attempt has a new time, and so a new signature.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

SECRET_BYTES: Final = 32
SECRET_PREFIX: Final = "whsec_"
"""Standard Webhooks writes a secret as this and its bytes in Base64."""


def new_key_pair() -> tuple[bytes, str]:
    """Return a private key for ECDSA on P-256 (DER, PKCS 8) and its public key as SendGrid shows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), b64encode(public).decode()


def new_secret() -> bytes:
    """Return a random secret for HMAC."""
    return secrets.token_bytes(SECRET_BYTES)


def write_secret(secret: bytes) -> str:
    """Return a secret for HMAC as its receiver needs it."""
    return f"{SECRET_PREFIX}{b64encode(secret).decode()}"


def sign_with_key(private_key: bytes, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers of SendGrid's signature: ECDSA with SHA-256 over the time and the body, in DER and Base64."""
    key = load_der_private_key(private_key, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signature = key.sign(str(timestamp).encode() + body, ec.ECDSA(SHA256()))
    return {
        "X-Twilio-Email-Event-Webhook-Signature": b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": str(timestamp),
    }


def sign_with_secrets(secrets: Iterable[bytes], webhook_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers of Standard Webhooks, with one signature for each secret."""
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    digests = (hmac.digest(secret, signed, sha256().name) for secret in secrets)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{b64encode(digest).decode()}" for digest in digests),
    }
