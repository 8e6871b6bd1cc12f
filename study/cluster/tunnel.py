"""Looks up the head of a cluster and holds a tunnel to its dashboard: `python -m study.cluster.tunnel FILE PORT`.

Reports as JSON, one line each: {"looking": FILE} once Ray is imported, {"head": IP}, and {"token": TOKEN} when ssh has
reached the head. Then PORT of this machine leads to the head's dashboard until the process ends.
"""

import json
import os
import re
import sys

from ray.autoscaler import sdk

DASHBOARD = 8265

TOKEN = 'echo "token=$(cat ~/.ray/auth_token 2> /dev/null)"'


def main(file: str, port: int) -> None:
    """Report, and hold the tunnel. Raises: whatever Ray raises if there is no head, or no way to it."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what Ray and ssh print must not mix with the reports
    answers.write(json.dumps({"looking": file}) + "\n")
    answers.write(json.dumps({"head": sdk.get_head_node_ip(file)}) + "\n")
    printed = sdk.run_on_cluster(file, cmd=TOKEN, with_output=True)
    text = printed.decode() if isinstance(printed, bytes) else printed or ""
    found = re.search(r"^token=(\S*)", text, re.MULTILINE)
    answers.write(json.dumps({"token": found[1] if found else ""}) + "\n")
    sdk.run_on_cluster(file, port_forward=[(port, DASHBOARD)])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
