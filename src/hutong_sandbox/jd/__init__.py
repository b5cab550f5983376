"""京东联盟's part of JD's gateway, simulated."""

from hutong_sandbox.jd.platform import JdAlliance

__all__ = ["JdAlliance"]
