# This node was paused before leg one was down.
> Promise id=cb1 max=1
= promised attempt 0/1, committed
  ArmTimer lifetime gen=1
  ArmTimer hang-up deadline gen=2
  Tell
> Taken by=lyon-2
= given up attempt 0/1, committed
  StopTimer hang-up deadline gen=2
  HangUpCaller
  StopTimer lifetime gen=1
> HungUp
= refused
