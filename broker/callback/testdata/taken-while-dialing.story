# The claim is lost during an attempt: it is ended, and an operator who cancels it now cancels it at the other node.
> Promise id=cb1 max=2
= promised attempt 0/2, committed
  ArmTimer lifetime gen=1
  ArmTimer hang-up deadline gen=2
  Tell
> HungUp
= leasing attempt 0/2, committed
  StopTimer hang-up deadline gen=2
  Acquire
> Leased lease=1 tty=66
= waiting attempt 0/2 on tty 66, committed
  OffHook lease=1
  ArmTimer wait gen=3
> OffHookEnded lease=1
= waiting attempt 0/2 on tty 66
> TimerFired kind=wait gen=3
= waiting attempt 0/2 on tty 66
  Recheck gen=3
> DenialRechecked gen=3
= dialing attempt 1/2 on tty 66, committed
  ArmTimer dial deadline gen=4
  Dial attempt=1 lease=1
> Taken by=lyon-2
= dialing attempt 1/2 on tty 66, will be given up, committed
  HangUp attempt=1 lease=1
  ArmTimer grace gen=5
> Cancel by=op
= refused
> DialEnded attempt=1 lease=1 connected=yes
= given up attempt 1/2, committed
  StopTimer grace gen=5
  HangUp attempt=1 lease=1
  ReleaseLease 1
  StopTimer lifetime gen=1
