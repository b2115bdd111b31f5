"""A server on stdin and stdout: one JSON request a line, one JSON answer a line, in order.

    {"id": 1, "op": "...", ...}  ->  {"id": 1, "result": ...}
                                 or  {"id": 1, "error": {"type": "...", "message": "..."}}
"""

import json
import os
import sys
import traceback


def claim_stdout():
    """Keeps stdout for answers alone: whatever else prints there (Java does) goes to stderr.

    To be called before anything that may print is imported.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    return answers


def without_java_frames(message):
    return "\n".join(line for line in message.split("\n") if not line.startswith("\tat "))


def serve(operations, answers):
    """Answers requests until stdin ends. `operations` maps an op to a function of its arguments."""
    for line in sys.stdin:
        request = json.loads(line)
        answer = {"id": request.pop("id")}
        try:
            answer["result"] = operations[request.pop("op")](**request)
        except Exception as error:  # every failure is an answer: the other side decides
            answer["error"] = {"type": type(error).__name__, "message": without_java_frames(str(error))}
            if os.environ.get("INTEROP_TRACE"):
                traceback.print_exc()
        answers.write(json.dumps(answer, allow_nan=False) + "\n")
        answers.flush()
