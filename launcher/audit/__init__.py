"""What is recorded: one event per launch, per end of a session and per console URL revealed, without any secret."""
