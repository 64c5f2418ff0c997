"""The kill loop: real processes under load, killed with SIGKILL at random instants, judged by the providers' ledger."""
