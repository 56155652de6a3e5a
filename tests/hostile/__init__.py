"""Loads that hostile accounts, clouds and console proxies put on a daemon, and what they do to everybody else.

    bystander   opens consoles again and again while a load is under way, and notes what came of it
    opener      the bystander's program, which other accounts run
    world       a calm cloud, an admitted account and a stranger's: what each load begins with
    memory      how much the daemon ever held
    outcome     what a load was answered with, and the table of all of them

Every other module is one load: `NAME`, a docstring whose first line says what it does, and

    async def run(world: World) -> Outcome

which starts a daemon of its own (`world.daemon()`), puts a bystander before it (`world.bystander(daemon)`), makes the
load, and tells what was refused, closed and kept. `python -m tests.hostile [LOAD …]` runs them and prints the table.
Tests call the same `run`, and look at the outcome; they never look at the times.
"""
