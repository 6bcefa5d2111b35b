# The only attempt was held back on the node that had it. Here it counts, because its row cannot be used again.
> Claimed id=cb1 phase=leasing max=1 attempt=1 held=yes cause=glare
= failed attempt 1/1, committed
  End failed: "no dial is left; last: glare"
