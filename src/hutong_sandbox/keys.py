"""RSA keys and certificates from a seed, quickly: candidates are sieved before any of them is exponentiated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from hutong_sandbox.drbg import Drbg

KEY_BITS: Final = 2048
PUBLIC_EXPONENT: Final = 65537
_SIEVE_PRIME_MAX: Final = 20_000
_SIEVE_WINDOW: Final = 8192
#: Two rounds after a Fermat test leave a random 1024-bit composite less than 2**-100 (FIPS 186-5, table B.1).
_MILLER_RABIN_ROUNDS: Final = 2
#: Fixed, so that the same seed gives the same certificate on every day.
CERTIFICATE_EFFECTIVE_AT: Final = datetime(2024, 1, 1, tzinfo=UTC)
CERTIFICATE_LIFE: Final = timedelta(days=30 * 365)


def _primes_below(limit: int) -> list[int]:
    sieve = bytearray([1]) * limit
    for n in range(2, int(limit**0.5) + 1):
        if sieve[n]:
            sieve[n * n :: n] = bytes(len(range(n * n, limit, n)))
    return [n for n in range(3, limit) if sieve[n]]


_SMALL_PRIMES: Final = _primes_below(_SIEVE_PRIME_MAX)


def _is_probable_prime(n: int, drbg: Drbg) -> bool:
    if pow(2, n - 1, n) != 1:
        return False
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(_MILLER_RABIN_ROUNDS):
        x = pow(2 + drbg.below(n - 4), odd, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def _prime(drbg: Drbg, bits: int) -> int:
    """A prime with its two top bits set, so that a product of two has exactly twice as many bits."""
    while True:  # ends at the first window that holds a prime
        start = int.from_bytes(drbg.take(bits // 8), "big") | (3 << (bits - 2)) | 1
        marked = bytearray(_SIEVE_WINDOW)
        for p in _SMALL_PRIMES:
            first = (-start * ((p + 1) // 2)) % p
            marked[first::p] = b"\x01" * len(range(first, _SIEVE_WINDOW, p))
        for i in range(_SIEVE_WINDOW):
            candidate = start + 2 * i
            if not marked[i] and candidate % PUBLIC_EXPONENT != 1 and _is_probable_prime(candidate, drbg):
                return candidate


def rsa_key(drbg: Drbg) -> rsa.RSAPrivateKey:
    """A 2048-bit key; the same stream gives the same key."""
    p, q = _prime(drbg, KEY_BITS // 2), _prime(drbg, KEY_BITS // 2)
    if p < q:
        p, q = q, p
    d = pow(PUBLIC_EXPONENT, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(PUBLIC_EXPONENT, p * q)
    )
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


def private_pem(key: rsa.RSAPrivateKey) -> str:
    """PKCS #8 PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def public_pem(key: rsa.RSAPublicKey) -> str:
    """SubjectPublicKeyInfo PEM."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


class PlatformCertificate:
    """A platform's signing key with the certificate that shows it."""

    def __init__(self, drbg: Drbg, common_name: str, number: int = 0) -> None:
        """``number``: how many there were before; each is valid from a second later than the last."""
        self.key = rsa_key(drbg)
        self.effective_at = CERTIFICATE_EFFECTIVE_AT + timedelta(seconds=number)
        self.expires_at = CERTIFICATE_EFFECTIVE_AT + CERTIFICATE_LIFE
        # The top bit stays clear and the next one set: twenty bytes, positive, forty hex digits (RFC 5280 §4.1.2.2).
        serial = (int.from_bytes(drbg.take(20), "big") >> 2) | (1 << 157)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(serial)
            .not_valid_before(self.effective_at)
            .not_valid_after(self.expires_at)
            .sign(self.key, hashes.SHA256())
        )
        self.serial_no = f"{serial:040X}"
        self.pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
