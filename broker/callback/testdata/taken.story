# This node was paused while it waited, and another has taken the callback: this one dials no more and ends nothing.
> Promise id=cb1 max=1
= promised attempt 0/1, committed
  ArmTimer lifetime gen=1
  ArmTimer hang-up deadline gen=2
  Tell
> HungUp
= leasing attempt 0/1, committed
  StopTimer hang-up deadline gen=2
  Acquire
> Leased lease=1 tty=66
= waiting attempt 0/1 on tty 66, committed
  OffHook lease=1
  ArmTimer wait gen=3
> OffHookEnded lease=1
= waiting attempt 0/1 on tty 66
> TimerFired kind=wait gen=3
= waiting attempt 0/1 on tty 66
  Recheck gen=3
> Taken by=lyon-2
= given up attempt 0/1, committed
  ReleaseLease 1
  StopTimer lifetime gen=1
> DenialRechecked gen=3
= refused
> Taken by=lyon-2
= refused
> TimerFired kind=lifetime gen=1
= refused
