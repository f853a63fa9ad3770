"""Five primitives for threads that share something. Each is tested alone.

module            primitive                                           what uses it
foreground        a priority gate: bulk work waits for answers        adding, batches on a device, the index
priority_lock     a fair lock with an urgent queue                    a device, a tokenizer, OCR and speech
fair_share        a first-come-first-served semaphore with a lock     the files of all jobs
                  for each key
run_ahead         threads that make results ahead of who uses them    decoding and embedding
abandonable       a call that its caller can leave behind             searching and scoring by a deadline

They share these words. A thread *acquires* and *releases*; what it has in between is its *turn*. A `timeout` is in
seconds, and a thread that reaches it goes on without a turn. A `stop` is an event: a thread that waits when it is set
gets no turn but Cancelled.
"""
