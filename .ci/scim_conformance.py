"""Run scim2-tester against a server and say what it found.

Usage: scim_conformance.py BASE_URL TOKEN. Exit code 1 when a check failed.
"""

import sys
from collections import Counter

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server


def main(base_url: str, token: str) -> int:
    http = Client(base_url=base_url.rstrip("/") + "/", headers={"Authorization": f"Bearer {token}"}, timeout=30)
    results = check_server(SyncSCIMClient(http))
    counts = Counter(r.status.name for r in results)
    for r in results:
        if r.status not in (Status.SUCCESS, Status.COMPLIANT):
            print(f"{r.status.name:12} {r.title}: {r.reason}")
    failed = sum(counts[s] for s in ("ERROR", "CRITICAL", "DEVIATION") if s in counts)
    print(", ".join(f"{n} {s.lower()}" for s, n in sorted(counts.items())))
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
