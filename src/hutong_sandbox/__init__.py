"""The sandbox: every platform simulated with its true wire format, as an independent oracle for the connectors.

It imports only ``hutong.core`` and ``hutong.crypto`` and writes every canonicalisation itself, from the documents.
"""
