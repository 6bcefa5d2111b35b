# There will never be a line for the first step of the plan, so the second one is dialed.
> Promise id=cb1 max=2
= promised attempt 0/2, committed
  ArmTimer lifetime gen=1
  ArmTimer hang-up deadline gen=2
  Tell
> HungUp
= leasing attempt 0/2, committed
  StopTimer hang-up deadline gen=2
  Acquire
> NoLine cause="no line dials: tty 65 is call-in" final=yes next=1
= leasing attempt 0/2, committed
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
  Dial attempt=1 lease=1 of=1
> DialEnded attempt=1 lease=1 connected=yes
= answered attempt 1/2 on tty 66, committed
  StopTimer dial deadline gen=4
  ArmTimer login deadline gen=5
  StartSession attempt=1 lease=1
> Admitted attempt=1
= completed attempt 1/2 on tty 66, committed
  StopTimer login deadline gen=5
  StopTimer lifetime gen=1
  End completed: ""
> CallEnded attempt=1
= completed attempt 1/2
  ReleaseLease 1
