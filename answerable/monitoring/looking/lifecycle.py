"""Lifecycle of a long piece of work."""

from answerable.common.lifecycle import move

WAITING, STOPPED, DONE, FAILED = "WAITING", "STOPPED", "DONE", "FAILED"

# A job that works is one that WAITS with some steps done: what is under way is never written, so nothing is left to be
# put right when the worker is killed.
# fmt: off
JOB_MOVES = {
    "stop_job":   move(WAITING,         to=STOPPED),
    "resume_job": move(STOPPED, FAILED, to=WAITING),
    "finish_job": move(WAITING,         to=DONE),
    "fail_job":   move(WAITING,         to=FAILED),
}
# fmt: on
