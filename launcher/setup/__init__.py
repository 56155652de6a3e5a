"""Sets the gateway up: from credentials that are there to a configuration, and units, that are known to work.

    places        P  where everything goes, for each of the three ways: the system, an account's own, one folder
    found            what there is to sign in with: clouds.yaml, `OS_*`, a Rackspace user name and API key
    trust         P  whose word a file is
    accounts      P  these as values; clouds.yaml and its kin merged, reduced, named
    trial            signs in, tells regions, counts servers; costs no console
    plan          P  what is to be written: paths, modes, contents
    installation     this Python and its `console-launcher`: can a sandboxed service start it? Where are the units?
    units         P  the shipped units with the true paths of this installation
    write            all of the plan or nothing, and never over what is there
    words         P  what is said: what was done, what comes next
    asking           the seam to the person at the terminal
    scene            what a set-up begins with: wishes, surroundings, places
    choice           which credentials are to be tried
    regions       P  which regions of an account are used, and what its entry is called
    first            all of this in order, where there is no configuration yet
    again            where there is one: it stays as it is, and is tried
    differences   P  what it lacks then

What is written is tried first: a password that no cloud accepts leaves no file behind. No secret gets into what is
said, into an argument of a process, or into a file but those of the folder `credentials`, their owner's alone.
"""
