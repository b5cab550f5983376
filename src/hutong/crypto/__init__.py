"""Bytes in, bytes out: AES, RSA, HMAC, digests. Knows no platform and builds no strings to sign."""
