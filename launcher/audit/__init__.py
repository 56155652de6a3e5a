"""What is recorded: one event per launch, end of a session and console URL revealed, and refusals by kind and account.

Nothing here holds a secret, and nobody who logs waits: lines go into bounded queues (`queues`), and one thread writes
them (`writer`).
"""
