"""Whether a server is up, by gRPC's standard health service: exit status 0 where it is, else 1 and the reason.

    python deploy/health.py [--wait SECONDS] [SERVICE]

SERVICE: none for the server, thresher.generation for its language model. The server's address is that of every
`thresher` command (THRESHER_ADDRESS).
"""

from __future__ import annotations

import argparse
import os
import time

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from thresher.client import DEFAULT_ADDRESS

PAUSE_SECONDS = 0.5


def unhealthy(address: str, service: str, wait: float) -> str:
    """Why it is not serving after `wait` seconds; empty where it is."""
    until = time.monotonic() + wait
    while True:
        with grpc.insecure_channel(address, [("grpc.enable_http_proxy", 0)]) as channel:
            try:
                request = health_pb2.HealthCheckRequest(service=service)
                status = health_pb2_grpc.HealthStub(channel).Check(request, timeout=3.0).status
                if status == health_pb2.HealthCheckResponse.SERVING:
                    return ""
                reason = health_pb2.HealthCheckResponse.ServingStatus.Name(status)
            except grpc.RpcError as error:
                reason = f"{error.code().name}: {error.details()}"
        if time.monotonic() + PAUSE_SECONDS > until:
            return f"{service or 'The server'} at {address}: {reason}"
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Whether a server is up.")
    parser.add_argument("service", nargs="?", default="")
    parser.add_argument("--wait", type=float, default=0.0, metavar="SECONDS")
    given = parser.parse_args()
    raise SystemExit(unhealthy(os.environ.get("THRESHER_ADDRESS") or DEFAULT_ADDRESS, given.service, given.wait) or 0)
