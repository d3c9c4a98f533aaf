"""The model of `jobs_at_once.py`: the same server and the same rules of the client, as events without processes.

What is assumed of a client: the calls of `CALLS` one after the other; a call that is refused is repeated by the rules of
src/http/retries.rs and src/retry.rs. Traces are left out: no client waits for them.
"""
import heapq
import random
from collections import deque
from itertools import count

from stand_in import Call, seconds

CALLS = ('login', 'search', 'rses', 'rses', 'did', 'files', 'did', 'replicas')
OUTAGE_LIMIT = 600


class Retries:
    """The retries of one call."""

    def __init__(self, attempts, is_reached):
        self.attempts, self.is_reached = attempts, is_reached
        self.attempt, self.pauses, self.waited = 0, 0, 0.0

    def pause(self, retry_after):
        """Seconds until the next attempt; None if there is none."""
        self.attempt += 1
        if self.attempt < self.attempts:
            return spread(retry_after) if retry_after else min(0.25 * 2**(self.attempt - 1), 10) * random.uniform(0.5, 1)
        if not (self.is_reached or retry_after) or self.waited >= OUTAGE_LIMIT:
            return None
        pause = spread(min(retry_after, 60)) if retry_after else min(2**self.pauses, 60) * random.uniform(0.5, 1)
        self.pauses += 1
        self.waited += pause
        return pause


def spread(wait):
    return wait * random.uniform(1, 1.5)


def simulate(jobs, files, behaviour, attempts, calls=CALLS):
    """-> calls, failed jobs, start, end"""
    random.seed(1)
    return Simulation(jobs, files, behaviour, attempts, calls).run()


class Job:
    def __init__(self, attempts):
        self.step, self.attempts = 0, attempts
        self.retries = Retries(attempts, is_reached=False)

    def next(self):
        """The answer to a login does not show that the server answers."""
        self.step += 1
        self.retries = Retries(self.attempts, is_reached=self.step > 1)


class Simulation:
    def __init__(self, jobs, files, behaviour, attempts, calls):
        self.behaviour, self.todo = behaviour, calls
        self.rows = {'files': files, 'replicas': files / jobs}
        self.events, self.order = [], count()
        self.waiting, self.free = deque(), behaviour.slots
        self.calls, self.failed, self.end = [], 0, 0.0
        for _ in range(jobs):
            self.at(0.0, self.arrive, Job(attempts))

    def at(self, time, action, *arguments):
        heapq.heappush(self.events, (time, next(self.order), action, arguments))

    def run(self):
        while self.events:
            now, _, action, arguments = heapq.heappop(self.events)
            action(now, *arguments)
        return self.calls, self.failed, 0.0, self.end

    def arrive(self, now, job):
        call = Call(self.todo[job.step], now)
        self.calls.append(call)
        if self.behaviour.is_out(now) or (len(self.waiting) >= self.behaviour.queue and not self.free):
            self.refuse(now, call, job)
        else:
            self.waiting.append((call, job))
            self.serve(now)

    def refuse(self, now, call, job):
        call.status, call.ended = 503, now
        pause = job.retries.pause(self.behaviour.retry_after)
        if pause is None:
            self.failed += 1
            self.end = max(self.end, now)
        else:
            self.at(now + pause, self.arrive, job)

    def serve(self, now):
        while self.free and self.waiting:
            self.free -= 1
            call, job = self.waiting.popleft()
            self.at(now + seconds(call.kind, self.rows.get(call.kind, 0)), self.served, call, job)

    def served(self, now, call, job):
        self.free += 1
        call.status, call.ended = 200, now
        job.next()
        if job.step < len(self.todo):
            self.at(now, self.arrive, job)
        else:
            self.end = max(self.end, now)
        self.serve(now)
