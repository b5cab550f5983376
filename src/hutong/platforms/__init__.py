"""The connector kit: what a connector is (contract), where it is found (registry), how it is proved (conformance)."""
