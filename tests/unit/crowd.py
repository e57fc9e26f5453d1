"""A crowd that comes for slots, step by step."""

import asyncio

from gateway_core.crowd.limiter import Claim, CrowdLimits, Limiter

TWO = CrowdLimits(working=2, waiting=3, patience_s=10)
ALPHA, BETA, STRANGER = Claim("alpha"), Claim("beta"), Claim("alpha", stranger=True)


class Crowd:
    """A limiter, what it told, and who was let in, in order."""

    def __init__(self, limits=TWO):
        self.limits = limits
        self.reports = []
        self.limiter = Limiter(self.reports.append, limits)
        self.entered = []
        self.tasks = []

    def come(self, name, claim=ALPHA, *, patient=False):
        """Somebody comes, and has worked up to the point where it waits."""

        async def enter():
            await self.limiter.enter(claim, self.limits, patient=patient)
            self.entered.append(name)

        self.tasks.append(asyncio.create_task(enter()))
        return self.tasks[-1]

    async def all_come(self, *names, claim=ALPHA):
        """In this order."""
        tasks = [self.come(name, claim) for name in names]
        await settled()
        return tasks

    async def freed(self, times=1, claim=ALPHA):
        """So many slots come back, one after the other."""
        for _ in range(times):
            self.limiter.release(claim)
            await settled()


async def settled():
    for _ in range(10):
        await asyncio.sleep(0)
