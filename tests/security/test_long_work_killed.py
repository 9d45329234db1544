"""Real processes: the worker killed again and again while it sets bulletins, and two workers at once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest
from vaulted import ROOT, World

BEGIN = """
import json, os, sys
os.environ["ANSWERABLE_DOOR"] = "owner"; os.environ["DJANGO_SETTINGS_MODULE"] = "answerable.config.settings.owner"
import django; django.setup()
from django.db import connection
with connection.cursor() as c: c.execute("SET ROLE answerable_office")
from answerable.alliance.models import Person
from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK
from answerable.monitoring.looking import actions
from answerable.monitoring.looking.models import Bulletin, Job
from answerable.monitoring.models import Situation
from answerable.record.models import Entry
"""
ASK = """
sami = Person.objects.select_related("body__state").get(handle="sami")
zandria = Situation.objects.get(ref=sys.argv[1])
print(json.dumps(actions.ask_bulletin(zandria, languages=["en", "fr", "es", "ar", "uk"], by=sami).ref))
"""
LOOK = """
with reading_as(CLOCK):
    job = Job.objects.get(ref=sys.argv[1])
    made = sorted(Bulletin.objects.filter(job=job).values_list("language", flat=True))
    entries = Entry.objects.filter(action="bulletin set", event__detail__job=job.ref).count()
print(json.dumps([job.status, job.done, made, entries]))
"""
WORKER = "import sys; from answerable.cli import main; sys.exit(main(['worker']))"
# A worker that is killed while it sets its nth bulletin.
DYING = """
import os, signal, sys, typst
real, n = typst.compile, [0]
def compile(*args, **more):
    n[0] += 1
    if n[0] == NTH: os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **more)
typst.compile = compile
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("work"))
    made.start()
    yield made
    made.stop()
    made.end()


def run(world, script, *args):
    return json.loads(world.python(BEGIN + script, *args).stdout.splitlines()[-1])


def worker(world, dies_at=0):
    script = DYING.replace("NTH", str(dies_at)) + WORKER if dies_at else WORKER
    return subprocess.Popen([sys.executable, "-c", script], env=world.env, cwd=ROOT,
                            stdout=world.log.open("ab"), stderr=subprocess.STDOUT)  # fmt: skip


def settled(world, job):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if (found := run(world, LOOK, job))[0] == "DONE":
            return found
        time.sleep(1)
    raise AssertionError(found)


def test_a_worker_killed_in_the_middle_leaves_whole_steps_and_the_next_one_finishes(world):
    job = run(world, ASK, world.refs["zandria"])
    for nth, done in ((1, 0), (3, 2), (2, 3)):
        assert worker(world, nth).wait(30) == -signal.SIGKILL
        status, at, made, entries = run(world, LOOK, job)
        assert (status, at, len(made), entries) == ("WAITING", done, done, done)
    child = worker(world)
    try:
        assert settled(world, job) == ["DONE", 5, ["ar", "en", "es", "fr", "uk"], 5]
    finally:
        child.terminate()
        child.wait(20)


def test_two_workers_at_once_set_each_language_once(world):
    job = run(world, ASK, world.refs["zandria"])
    both = [worker(world), worker(world)]
    try:
        assert settled(world, job) == ["DONE", 5, ["ar", "en", "es", "fr", "uk"], 5]
    finally:
        for child in both:
            child.terminate()
            child.wait(20)
