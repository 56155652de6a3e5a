"""What is recorded: one event per launch and one per end of a session, without any secret."""
