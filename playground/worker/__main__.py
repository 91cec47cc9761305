"""`python -m playground.worker ROLE ENGINE`: one child process of the playground."""

from __future__ import annotations

import os
import sys
from time import perf_counter

from playground.worker.guard import end_process_group, guard_pipes
from playground.worker.supervisor import supervise


def main() -> None:
    """Emit `WorkerReady`, then run the worker loop until its input ends."""
    supervise()
    commands, events = guard_pipes()
    from playground.protocol.events import WorkerReady
    from playground.worker.inbox import Inbox
    from playground.worker.outbox import Outbox
    from playground.worker.roles import create_loop

    role, engine = sys.argv[1], sys.argv[2]
    outbox = Outbox(events)
    inbox = Inbox(commands, outbox.send)
    capabilities, loop = create_loop(role, engine, inbox, outbox)
    outbox.emit(WorkerReady(pid=os.getpid(), role=role, clock=perf_counter(), capabilities=capabilities))
    loop.run()
    outbox.close()
    end_process_group()


if __name__ == "__main__":
    main()
